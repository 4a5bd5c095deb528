"""CloudEvents 1.0 to any HTTP receiver, signed as in Standard Webhooks 1.0.0.

Structured mode, one JSON document that holds everything: the signature covers the body, and in binary mode the
attributes of the event would be headers without a signature.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from leadline.clock import Clock, epoch
from leadline.errors import UsageError
from leadline.headline import first_line
from leadline.logs import escape
from leadline.settings.routing import NotifySettings
from leadline.settings.targets import WebhookSettings
from leadline.wire import encode, timestamp
from leadline_sinks.console_links import incident_url
from leadline_sinks.http import Http, Response
from leadline_sinks.notify.sink import GiveUp, Notification, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.runbook import runbook_url

TYPE = "io.leadline.notice.v1"
TEST_TYPE = "io.leadline.test.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
EVENT_BYTES = 64 * 1024
"""The size that every intermediary and consumer of CloudEvents must accept (CloudEvents 1.0.2, size limits)."""
_SHORTER = ((2000, 40), (500, 12), (150, 5), (50, 2))
"""Characters of a text and items of a list; the next pair is tried until the event fits."""
_ENTRIES = 30
"""Entries of an object in an event that is shortened. Only labels can have more."""
KEY_PREFIX = "whsec_"
"""A key with this prefix is base64; any other is used as it is (Standard Webhooks, signature scheme)."""


class WebhookSink:
    """One receiver."""

    kind = "webhook"
    rate = Rate(per_s=10.0, burst=20)
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, settings: WebhookSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.url is not None
        assert settings.signing_key is not None
        self._url = settings.url
        self._key = settings.signing_key
        self._notify = notify
        self._http = http
        self._clock = clock

    async def deliver(self, notification: Notification) -> Outcome:
        """Post one event. The same notification has the same id, so that a receiver can recognize a duplicate."""
        count = notification.receipt.get("told", "")
        sent = int(count) if count.isdecimal() and len(count) < 10 else 0
        return await self._post(event(notification, sent, self._notify), {"told": str(sent + 1)})

    async def test(self) -> Outcome:
        """Post an event of the type for tests."""
        at = timestamp(self._clock.now())
        about = {"id": f"test:{at}", "source": "/sinks", "type": TEST_TYPE, "time": at}
        return await self._post({"specversion": "1.0", **about, "data": {"message": "this is a test of Leadline"}}, {})

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    async def _post(self, payload: Mapping[str, Any], receipt: Mapping[str, str]) -> Outcome:
        try:
            url, keys = self._url.reveal(), [secret_bytes(key) for key in self._key.each()]
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        body = fitting(payload)
        headers = {"content-type": CONTENT_TYPE, **signed(payload["id"], int(epoch(self._clock.now())), body, keys)}
        response = await self._http.post(url, body, headers)
        if isinstance(response, Retry):
            return response
        return failure(response, self._http.retry_after(response)) or Sent(receipt)


def event(notification: Notification, sent: int, notify: NotifySettings) -> dict[str, Any]:
    """A notification as a CloudEvent. ``sent`` is the number of events that the receiver has of the incident."""
    incident, actions = notification.incident, notification.actions
    times = [incident.detected_at, *(entry.at for entry in notification.news), *(action.at for action in actions)]
    # A reminder, or a second note about the same record, is another event than the one before it.
    more = _hash(str(sent), *(action.action_id for action in actions))[:8]
    return {
        "specversion": "1.0",
        "id": f"{incident.incident_id}:{incident.seq}:{notification.occasion}:{more}",
        "source": f"/streams/{quote(incident.cluster[:255], safe='', errors='replace')}",
        "type": TYPE,
        "time": timestamp(max(times)),
        "subject": incident.incident_id,
        "datacontenttype": "application/json",
        "data": {
            "occasion": notification.occasion,
            "headline": first_line(incident),
            "key": notification.keys[-1],
            "earlier_keys": notification.keys[:-1],
            "incident": incident,
            "news": notification.news,
            "changes": notification.changes,
            "actions": actions,
            "withdrawn": notification.withdrawn,
            "console": incident_url(incident, notify) or "",
            "runbooks": [url for rule in incident.rules if (url := runbook_url(rule, notify)) is not None],
        },
    }


def fitting(payload: Mapping[str, Any]) -> bytes:
    """JSON of at most ``EVENT_BYTES``. In a longer event, texts and lists are cut and ``shortened`` is true."""
    body = encode(payload)
    for characters, items in _SHORTER:
        if len(body) <= EVENT_BYTES:
            break
        plain = msgspec.to_builtins(payload["data"], builtin_types=(datetime,))
        body = encode({**payload, "data": {**_cut(plain, characters, items), "shortened": True}})
    return body


def _cut(value: Any, characters: int, items: int) -> Any:
    """Cut texts end with an ellipsis; of lists, the beginning and the end are kept."""
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


def signed(event_id: str, at_s: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """The three headers of Standard Webhooks, with a signature for each key: while a key is replaced, the receiver
    accepts either. ``webhook-id`` identifies the event; it must not hold a full stop."""
    ident = f"msg_{_hash(event_id)[:32]}"
    text = f"{ident}.{at_s}.".encode() + body
    macs = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    signatures = " ".join(f"v1,{mac}" for mac in macs)
    return {"webhook-id": ident, "webhook-timestamp": str(at_s), "webhook-signature": signatures}


def secret_bytes(key: str) -> bytes:
    """The bytes of a signing key. Raises UsageError when the key has the prefix and is not base64."""
    if not key.startswith(KEY_PREFIX):
        return key.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(key.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(
            f"webhook.signing_key: the text after {KEY_PREFIX} is not base64; copy the key again"
        ) from None


def failure(
    response: Response, after_s: float | None, group: str = "webhook", login: str = "the signing key on both sides"
) -> Retry | GiveUp | None:
    """The failure that a response reports; None for success. The body is not quoted.

    ``group`` is that of the settings, and ``login`` names what gives access.
    """
    status = response.status
    match status:
        case 401 | 403 | 407:
            return Retry(Reason.UNAUTHORIZED, f"{status}: access denied; check {login}", after_s)
        case 404 | 410:
            return Retry(Reason.TARGET_GONE, f"{status}: no receiver at this URL; check {group}.url", after_s)
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case 429:
            return Retry(Reason.RATE_LIMITED, f"{status}", after_s)
        case 504:  # a gateway timed out: the receiver behind it may have accepted the event
            return Retry(Reason.TIMEOUT, f"{status}", after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case _ if status >= 400:
            return GiveUp(Reason.REJECTED, f"{status}: the receiver rejects the event")
        case _ if status >= 300 or status < 200:
            return Retry(
                Reason.TARGET_GONE, f"{status}: redirects are not followed; set {group}.url to the new address"
            )
    return None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
