"""CloudEvents 1.0 to any HTTP receiver, signed as Standard Webhooks 1.0.0 says.

Structured mode, one JSON document with everything in it: the signature covers the body, and in binary mode the
event's attributes would be headers that nobody signed.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from leadline.clock import Clock, epoch
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.sink import NotifySettings, WebhookSettings
from leadline.wire import encode, timestamp
from leadline_sinks.http import Answer, Http
from leadline_sinks.notify.sink import GiveUp, Notice, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.runbook import address

TYPE = "io.leadline.notice.v1"
TEST_TYPE = "io.leadline.test.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
EVENT_BYTES = 64 * 1024
"""What everybody who passes on or takes CloudEvents has room for (CloudEvents 1.0.2, size limits)."""
_SHORTER = ((2000, 40), (500, 12), (150, 5), (50, 2))
"""Characters of a text and items of a list, one after the other until the event fits."""
_ENTRIES = 30
"""Of an object in an event that had to be cut; more than any of ours has, but for labels."""
KEY_PREFIX = "whsec_"
"""Keys that begin with it are base64 after it, others are taken as they are (Standard Webhooks, signature scheme)."""


class WebhookSink:
    """One receiver."""

    kind = "webhook"
    rate = Rate(per_s=10.0, burst=20)

    def __init__(self, settings: WebhookSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.url is not None
        assert settings.signing_key is not None
        self._url = settings.url
        self._key = settings.signing_key
        self._notify = notify
        self._http = http
        self._clock = clock

    async def deliver(self, notice: Notice) -> Outcome:
        """Post one event. The same notice has the same id, so that a receiver can pass over what it has."""
        told = int(count) if (count := notice.receipt.get("told", "")).isdecimal() and len(count) < 10 else 0
        return await self._post(event(notice, told, self._notify), {"told": str(told + 1)})

    async def test(self) -> Outcome:
        """An event of a type of its own."""
        at = timestamp(self._clock.now())
        about = {"id": f"test:{at}", "source": "/sinks", "type": TEST_TYPE, "time": at}
        return await self._post({"specversion": "1.0", **about, "data": {"message": "this is a test of Leadline"}}, {})

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _post(self, what: Mapping[str, Any], receipt: Mapping[str, str]) -> Outcome:
        try:
            url, key = self._url.reveal(), secret_bytes(self._key.reveal())
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        body = fitting(what)
        headers = {"content-type": CONTENT_TYPE, **signed(what["id"], int(epoch(self._clock.now())), body, key)}
        answer = await self._http.post(url, body, headers)
        if isinstance(answer, Retry):
            return answer
        return failure(answer, self._http.retry_after(answer)) or Sent(receipt)


def event(notice: Notice, told: int, notify: NotifySettings) -> dict[str, Any]:
    """The CloudEvent: the notice as data. ``told`` is how many words about the incident the receiver has."""
    incident = notice.incident
    times = [incident.detected_at, *(entry.at for entry in notice.news), *(action.at for action in notice.actions)]
    # A reminder, or a second note about the same record, is another event than the word before it.
    more = _hash(str(told), *(action.action_id for action in notice.actions))[:8]
    return {
        "specversion": "1.0",
        "id": f"{incident.incident_id}:{incident.seq}:{notice.occasion}:{more}",
        "source": f"/streams/{quote(incident.cluster[:255], safe='', errors='replace')}",
        "type": TYPE,
        "time": timestamp(max(times)),
        "subject": incident.incident_id,
        "datacontenttype": "application/json",
        "data": {
            "occasion": notice.occasion,
            "incident": incident,
            "news": notice.news,
            "changes": notice.changes,
            "actions": notice.actions,
            "runbooks": [address(rule, notify) for rule in incident.rules],
        },
    }


def fitting(what: Mapping[str, Any]) -> bytes:
    """JSON within ``EVENT_BYTES``: of an event that is longer, texts and lists are cut, and ``shortened`` says so."""
    body = encode(what)
    for characters, items in _SHORTER:
        if len(body) <= EVENT_BYTES:
            break
        plain = msgspec.to_builtins(what["data"], builtin_types=(datetime,))
        body = encode({**what, "data": {**_cut(plain, characters, items), "shortened": True}})
    return body


def _cut(value: Any, characters: int, items: int) -> Any:
    """Texts end with a mark; of lists, the beginning and the end are kept."""
    match value:
        case str() if len(value) > characters:
            return value[: characters - 1] + "…"
        case list() | tuple() if len(value) > items:
            kept = [*value[: (items + 1) // 2], *value[len(value) - items // 2 :]]
            return [_cut(each, characters, items) for each in kept]
        case list() | tuple():
            return [_cut(each, characters, items) for each in value]
        case dict():
            entries = list(value.items())[:_ENTRIES]
            return {_cut(name, characters, items): _cut(each, characters, items) for name, each in entries}
    return value


def signed(event_id: str, at_s: int, body: bytes, key: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks. ``webhook-id`` stands for the event: without full stops, as it asks."""
    ident = f"msg_{_hash(event_id)[:32]}"
    mac = hmac.new(key, f"{ident}.{at_s}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": ident, "webhook-timestamp": str(at_s), "webhook-signature": signature}


def secret_bytes(key: str) -> bytes:
    """The key that is signed with. Raises UsageError when it is no base64 although it says so."""
    if not key.startswith(KEY_PREFIX):
        return key.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(key.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(
            f"webhook.signing_key: what follows {KEY_PREFIX} is not base64; give the key as it was made"
        ) from None


def failure(answer: Answer, after_s: float | None) -> Retry | GiveUp | None:
    """Why a receiver did not take it; None when it did. What it says besides the status is not repeated."""
    status = answer.status
    match status:
        case 401 | 403 | 407:
            return Retry(Reason.UNAUTHORIZED, f"{status}: it refuses us; check the signing key on both sides", after_s)
        case 404 | 410:
            return Retry(Reason.TARGET_GONE, f"{status}: nobody listens there any more; check webhook.url", after_s)
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case 429:
            return Retry(Reason.RATE_LIMITED, f"{status}", after_s)
        case 504:  # a gateway gave up waiting: behind it, the event may have been taken
            return Retry(Reason.TIMEOUT, f"{status}", after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case _ if status >= 400:
            return GiveUp(Reason.REJECTED, f"{status}: it refuses the event")
        case _ if status >= 300 or status < 200:
            return Retry(Reason.TARGET_GONE, f"{status}: it sends us elsewhere; set webhook.url to where it is now")
    return None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
