"""The Slack sink.

With a bot token: one message per incident, edited in place, with a timeline in its thread. With an incoming webhook,
which supports neither: a new message for the first notification, an escalation, a reminder and the end.

Slack has no idempotency key. When the response to a new message is lost, the message is posted again, since a duplicate
is better than none.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from leadline.clock import Clock
from leadline.model.delivery import EDITS, Occasion
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline.settings.targets import SlackSettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import DeliveryOutcome, NothingNew, Notification, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.slack import render
from leadline_sinks.slack.api import Accepted, Refused, Result, call, post
from leadline_sinks.slack.blocks import Message, context
from leadline_sinks.slack.buttons import buttons
from leadline_sinks.slack.errors import ErrorKind
from leadline_sinks.slack.text import clean
from leadline_sinks.slack.thread import head, is_broadcast, reply

_ANNOUNCED: Final = frozenset[Occasion](
    {"escalated", "cause_changed", "reopened", "withdrawn", "repeated", "merged", "resolved", "recurrence"}
)
"""Occasions for a new message where messages cannot be edited."""
_TS: Final = re.compile(r"\d{1,12}\.\d{1,9}", re.ASCII)
_CHANNEL: Final = re.compile(r"[A-Z0-9]{1,40}", re.ASCII)
_NO_LINKS: Final = {"parse": "none", "link_names": False}
"""chat.update links names in the text unless these are set."""
_NO_UNFURLING: Final = {"unfurl_links": False, "unfurl_media": False}
_TEST: Final = Message(
    "This is a test of Leadline. No action is needed.",
    (context("This is a test of Leadline. No action is needed."),),
)


class SlackSink:
    """One channel."""

    kind = "slack"
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0

    def __init__(
        self, settings: SlackSettings, notify: NotifySettings, http: Http, clock: Clock, *, has_buttons: bool = False
    ) -> None:
        """``has_buttons`` is whether actions of people in Slack come in (``inbound``)."""
        assert settings.wanted
        self.shows_silences = settings.token is not None
        self._buttons = has_buttons and settings.token is not None
        self._settings = settings
        self._notify = notify
        self._http = http
        self._clock = clock
        # Slack allows about one message per second and channel with short bursts, and 50 chat.update per minute, of
        # which 40 are used (docs.slack.dev/apis/web-api/rate-limits). A notification is at most one of each.
        self.rate = Rate(per_s=40 / 60 if settings.token is not None else 1.0, burst=3)

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Post or edit the message of the incident."""
        if self._settings.token is None:
            return await self._post_to_webhook(notification)
        receipt = notification.receipt
        ts, channel = receipt.get("ts", ""), receipt.get("channel", "")
        where = {"channel": channel, "ts": ts, "shown": receipt.get("shown", "")}
        known = _TS.fullmatch(ts) and _CHANNEL.fullmatch(channel)
        if notification.occasion in EDITS:
            return await self._show(notification, where) if known else NothingNew(receipt)
        return await self._update(notification, where) if known else await self._post_new(notification)

    async def test(self) -> Outcome:
        """Post a message that is marked as a test."""
        if self._settings.token is None:
            result = await self._post(_TEST)
        else:
            result = await self._call("chat.postMessage", self._new(_TEST))
        return Sent() if isinstance(result, Accepted) else _outcome(result)

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    async def _post_new(self, notification: Notification) -> DeliveryOutcome:
        """Post a new message for the incident."""
        result = await self._send(
            notification, lambda message, metadata: self._call("chat.postMessage", {**self._new(message), **metadata})
        )
        if not isinstance(result, Accepted):
            return _outcome(result)
        ts, channel = result.body.get("ts"), result.body.get("channel")
        if not isinstance(ts, str) or not isinstance(channel, str):
            return Retry(Reason.GARBLED, "the response does not name the new message")
        receipt = {"channel": channel, "ts": ts, "shown": self._digest(notification)}
        # The message shows everything but acknowledgements and notes.
        return await self._reply(notification, receipt, sent=True) if notification.actions else Sent(receipt)

    async def _show(self, notification: Notification, receipt: dict[str, str]) -> DeliveryOutcome:
        """Show a silence in the message, or no longer. Where it cannot be edited, nothing is posted, to notify nobody.

        The reply is dropped when Slack does not take it, since the message holds the state.
        """
        digest = self._digest(notification)
        if digest != receipt["shown"]:
            result = await self._edit(notification, receipt)
            if isinstance(result, Refused) or (isinstance(result, Retry) and result.reason is Reason.TARGET_GONE):
                return NothingNew(notification.receipt)
            if isinstance(result, Retry):
                return result
        if (text := reply(notification, self._clock.now())) is not None:
            await self._call("chat.postMessage", self._in_thread(notification, receipt, text))
        return Sent({**receipt, "shown": digest})

    async def _edit(self, notification: Notification, receipt: Mapping[str, str]) -> Result:
        where = {"channel": receipt["channel"], "ts": receipt["ts"], **_NO_LINKS}
        return await self._send(
            notification,
            lambda message, metadata: self._call("chat.update", {**where, **_body(message), **metadata}),
        )

    async def _update(self, notification: Notification, receipt: dict[str, str]) -> DeliveryOutcome:
        """Edit the message if it would change, then reply in its thread."""
        digest = self._digest(notification)
        changed = digest != receipt["shown"]
        if changed:
            result = await self._edit(notification, receipt)
            if isinstance(result, Refused) and result.kind is ErrorKind.GONE:
                return await self._post_new(notification)
            if not isinstance(result, Accepted):
                return _outcome(result)
            receipt["shown"] = digest
        return await self._reply(notification, receipt, sent=changed)

    async def _reply(self, notification: Notification, receipt: Mapping[str, str], *, sent: bool) -> DeliveryOutcome:
        """Post what is new in the thread. ``sent`` is whether this delivery has posted or edited the message.

        Of a reply that Slack rejects, only the first line is posted. If that is rejected too, it is dropped, since the
        message holds the state.
        """
        now = self._clock.now()
        text = reply(notification, now)
        if text is None:
            return Sent(receipt) if sent else NothingNew(receipt)
        result = await self._call("chat.postMessage", self._in_thread(notification, receipt, text))
        if isinstance(result, Refused) and result.kind is ErrorKind.GONE:
            return await self._post_new(notification)
        if isinstance(result, Refused) and (line := head(notification, now)) is not None:
            result = await self._call("chat.postMessage", self._in_thread(notification, receipt, line))
        if isinstance(result, Retry):
            return replace(result, receipt=receipt) if sent else result
        return Sent(receipt) if sent or isinstance(result, Accepted) else _outcome(result)

    def _in_thread(self, notification: Notification, receipt: Mapping[str, str], text: str) -> dict[str, Any]:
        return {
            "channel": receipt["channel"],
            "thread_ts": receipt["ts"],
            "reply_broadcast": is_broadcast(notification),
            "text": text,
            **_NO_LINKS,
            **_NO_UNFURLING,
        }

    async def _post_to_webhook(self, notification: Notification) -> DeliveryOutcome:
        digest = f"{notification.occasion} {self._digest(notification)}"
        shown = notification.receipt.get("shown")
        reminder = notification.occasion == "repeated"
        if shown is not None and (notification.occasion not in _ANNOUNCED or (shown == digest and not reminder)):
            return NothingNew(notification.receipt)
        result = await self._send(notification, lambda message, _: self._post(message), notification.withdrawn)
        return Sent({"shown": digest}) if isinstance(result, Accepted) else _outcome(result)

    async def _send(
        self,
        notification: Notification,
        send: Callable[[Message, Mapping[str, Any]], Awaitable[Result]],
        withdrawn: Sequence[str] = (),
    ) -> Result:
        """Send the full message. If Slack rejects it, send it without metadata, then shorter, then without blocks."""
        incident = notification.incident
        whole = self._with_buttons(render.full(incident, self._notify, withdrawn, notification.silence), incident)
        result = await send(whole, self._metadata(notification))
        if isinstance(result, Refused) and result.kind is ErrorKind.METADATA:
            result = await send(whole, {})
        shorter = self._with_buttons(render.compact(incident, self._notify, withdrawn), incident)
        for simpler in (shorter, render.plain(incident)):
            if not isinstance(result, Refused) or result.kind is ErrorKind.GONE:
                break
            result = await send(simpler, {})
        return result

    def _new(self, message: Message) -> dict[str, Any]:
        return {"channel": self._settings.channel, **_NO_LINKS, **_NO_UNFURLING, **_body(message)}

    def _with_buttons(self, message: Message, incident: Incident) -> Message:
        block = buttons(incident) if self._buttons and incident.announcement is None else None
        return replace(message, blocks=(*message.blocks, block)) if block is not None else message

    def _metadata(self, notification: Notification) -> dict[str, Any]:
        """Metadata that names the incident, so that programs can find messages that were posted twice."""
        incident = notification.incident
        payload = {"incident_id": clean(incident.incident_id)[:255], "seq": incident.seq}
        return {"metadata": {"event_type": "leadline_incident", "event_payload": payload}}

    def _digest(self, notification: Notification) -> str:
        """A hash of the message, to recognize whether it changes."""
        incident = notification.incident
        message = self._with_buttons(render.full(incident, self._notify, silence=notification.silence), incident)
        return hashlib.sha256(orjson.dumps(_body(message))).hexdigest()[:16]

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> Result:
        assert self._settings.token is not None
        return await call(self._http, self._settings.api_url, self._settings.token, method, arguments)

    async def _post(self, message: Message) -> Result:
        assert self._settings.webhook_url is not None
        return await post(self._http, self._settings.webhook_url, {**_NO_UNFURLING, **_body(message)})


def _body(message: Message) -> dict[str, Any]:
    # An empty list of blocks removes the previous ones.
    return {"text": message.text, "blocks": list(message.blocks)}


def _outcome(result: Refused | Retry) -> Outcome:
    return result.outcome() if isinstance(result, Refused) else result
