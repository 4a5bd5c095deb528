"""The Slack sink.

With a token: one message per incident, edited in place, its life in the thread. With a webhook, which can do neither: a
new message for the first word, an escalation, a reminder and the end.

Slack knows no idempotency key. When the answer to a new message is lost, it is posted again: twice rather than never.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from leadline.clock import Clock
from leadline.model.delivery import Occasion
from leadline.settings.sink import NotifySettings, SlackSettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import Notice, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.slack import render
from leadline_sinks.slack.api import Refused, Result, Taken, call, post
from leadline_sinks.slack.blocks import context
from leadline_sinks.slack.errors import Kind
from leadline_sinks.slack.render import Message
from leadline_sinks.slack.text import clean
from leadline_sinks.slack.thread import BROADCAST, reply

_ANNOUNCED: Final = frozenset[Occasion]({"escalated", "repeated", "resolved"})
"""What is worth a message of its own where none can be edited."""
_TS: Final = re.compile(r"\d{1,12}\.\d{1,9}", re.ASCII)
_CHANNEL: Final = re.compile(r"[A-Z0-9]{1,40}", re.ASCII)
_NO_LINKS: Final = {"parse": "none", "link_names": False}
"""chat.update would look for names to link unless told not to."""
_NO_UNFURLING: Final = {"unfurl_links": False, "unfurl_media": False}
_TEST: Final = Message(
    "This is a test of Leadline. Nothing is wrong.", (context("This is a test of Leadline. Nothing is wrong."),)
)


class SlackSink:
    """One channel."""

    kind = "slack"

    def __init__(self, settings: SlackSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.wanted
        self._settings = settings
        self._notify = notify
        self._http = http
        self._clock = clock
        # About one message a second and channel, in bursts of a few; chat.update 50 a minute, of which we take 40
        # (docs.slack.dev/apis/web-api/rate-limits). A notice is at most one of each.
        self.rate = Rate(per_s=40 / 60 if settings.token is not None else 1.0, burst=3)

    async def deliver(self, notice: Notice) -> Outcome:
        """Tell it."""
        if self._settings.token is None:
            return await self._announce(notice)
        ts, channel = notice.receipt.get("ts", ""), notice.receipt.get("channel", "")
        if not _TS.fullmatch(ts) or not _CHANNEL.fullmatch(channel):
            return await self._begin(notice)
        return await self._go_on(notice, {"channel": channel, "ts": ts, "shown": notice.receipt.get("shown", "")})

    async def test(self) -> Outcome:
        """A message that says that it is a test."""
        if self._settings.token is None:
            result = await self._post(_TEST)
        else:
            result = await self._call("chat.postMessage", self._new(_TEST))
        return Sent() if isinstance(result, Taken) else _outcome(result)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _begin(self, notice: Notice) -> Outcome:
        """A new message for the incident."""
        result = await self._say(
            notice, lambda message, mark: self._call("chat.postMessage", {**self._new(message), **mark})
        )
        if not isinstance(result, Taken):
            return _outcome(result)
        ts, channel = result.body.get("ts"), result.body.get("channel")
        if not isinstance(ts, str) or not isinstance(channel, str):
            return Retry(Reason.GARBLED, "it took the message and does not say which it is")
        receipt = {"channel": channel, "ts": ts, "shown": self._digest(notice)}
        # The message says all there is, but for what people wrote.
        return await self._reply(notice, receipt) if notice.actions else Sent(receipt)

    async def _go_on(self, notice: Notice, receipt: dict[str, str]) -> Outcome:
        """Edit the message if it would look different, then add to its thread."""
        shown = self._digest(notice)
        if shown != receipt["shown"]:
            where = {"channel": receipt["channel"], "ts": receipt["ts"], **_NO_LINKS}
            result = await self._say(
                notice, lambda message, mark: self._call("chat.update", {**where, **_body(message), **mark})
            )
            if isinstance(result, Refused) and result.kind is Kind.LOST:
                return await self._begin(notice)
            if not isinstance(result, Taken):
                return _outcome(result)
            receipt["shown"] = shown
        return await self._reply(notice, receipt)

    async def _reply(self, notice: Notice, receipt: Mapping[str, str]) -> Outcome:
        """What is new, in the thread. If Slack will not have it, the message itself says enough."""
        text = reply(notice, self._clock.now())
        if text is None:
            return Sent(receipt)
        result = await self._call(
            "chat.postMessage",
            {
                "channel": receipt["channel"],
                "thread_ts": receipt["ts"],
                "reply_broadcast": notice.occasion in BROADCAST,
                "text": text,
                **_NO_LINKS,
                **_NO_UNFURLING,
            },
        )
        if isinstance(result, Refused) and result.kind is Kind.LOST:
            return await self._begin(notice)
        return replace(result, receipt=receipt) if isinstance(result, Retry) else Sent(receipt)

    async def _announce(self, notice: Notice) -> Outcome:
        shown = f"{notice.occasion} {self._digest(notice)}"
        first = "shown" not in notice.receipt
        if not first and (notice.occasion not in _ANNOUNCED or notice.receipt["shown"] == shown):
            return Sent(notice.receipt)
        result = await self._say(notice, lambda message, _: self._post(message))
        return Sent({"shown": shown}) if isinstance(result, Taken) else _outcome(result)

    async def _say(self, notice: Notice, send: Callable[[Message, Mapping[str, Any]], Awaitable[Result]]) -> Result:
        """The whole message; what Slack refuses is said without the mark, then shorter, then in plain text."""
        whole = render.full(notice.incident, self._notify)
        result = await send(whole, self._mark(notice))
        if isinstance(result, Refused) and result.kind is Kind.MARK:
            result = await send(whole, {})
        for simpler in (render.compact(notice.incident, self._notify), render.plain(notice.incident)):
            if not isinstance(result, Refused) or result.kind is Kind.LOST:
                break
            result = await send(simpler, {})
        return result

    def _new(self, message: Message) -> dict[str, Any]:
        return {"channel": self._settings.channel, **_NO_LINKS, **_NO_UNFURLING, **_body(message)}

    def _mark(self, notice: Notice) -> dict[str, Any]:
        """What tells a program later which incident a message is about, such as one that was posted twice."""
        about = {"incident_id": clean(notice.incident.incident_id)[:255], "seq": notice.incident.seq}
        return {"metadata": {"event_type": "leadline_incident", "event_payload": about}}

    def _digest(self, notice: Notice) -> str:
        """Names what the message looks like."""
        message = render.full(notice.incident, self._notify)
        return hashlib.sha256(orjson.dumps(_body(message))).hexdigest()[:16]

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> Result:
        assert self._settings.token is not None
        return await call(self._http, self._settings.api_url, self._settings.token, method, arguments)

    async def _post(self, message: Message) -> Result:
        assert self._settings.webhook_url is not None
        return await post(self._http, self._settings.webhook_url, {**_NO_UNFURLING, **_body(message)})


def _body(message: Message) -> dict[str, Any]:
    # An empty list of blocks takes those away that were there.
    return {"text": message.text, "blocks": list(message.blocks)}


def _outcome(result: Refused | Retry) -> Outcome:
    return result.outcome() if isinstance(result, Refused) else result
