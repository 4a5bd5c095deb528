"""The e-mail sink."""

import logging
from dataclasses import replace
from typing import Final

from leadline.clock import Clock
from leadline.settings.email_target import EmailSettings
from leadline.settings.routing import NotifySettings
from leadline.wire import timestamp
from leadline_sinks.email import message
from leadline_sinks.email.smtp import Smtp
from leadline_sinks.email.thread import Thread, address_hash, message_id, references
from leadline_sinks.message_due import content, is_due
from leadline_sinks.message_parts import MessagePart, lead, parts, status
from leadline_sinks.notify.sink import (
    DeliveryOutcome,
    GiveUp,
    NothingNew,
    Notification,
    Outcome,
    Rate,
    Reason,
    Retry,
    Sent,
)

log = logging.getLogger(__name__)
_SHORT: Final = 2
"""Parts of the message that is sent when the server has rejected the whole one."""
_TEST: Final = "This is a test of Leadline. No action is needed."


class EmailSink:
    """The recipients of one target."""

    kind = "email"
    rate = Rate(per_s=0.5, burst=5)
    """Of messages. Providers count them by the hour or the day, so bursts are short."""
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, settings: EmailSettings, notify: NotifySettings, smtp: Smtp, clock: Clock) -> None:
        assert settings.sender is not None
        self._sender = settings.sender
        self._to = tuple(dict.fromkeys(settings.to))
        self._domain = settings.sender.rpartition("@")[2]
        self._notify = notify
        self._smtp = smtp
        self._clock = clock

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Send a message in the thread of the incident, if there is something that people must know."""
        thread = Thread.read(notification.receipt, notification.incident)
        if thread.count and not is_due(notification, thread.content):
            return NothingNew(notification.receipt)
        ident = message_id(notification, thread, self._domain)
        have_it = thread.have_it if thread.pending == ident else frozenset()
        to = [address for address in self._to if address_hash(address) not in have_it] or list(self._to)
        result = await self._smtp.send(self._sender, to, self._made(notification, thread, ident))
        if isinstance(result, GiveUp):
            result = await self._smtp.send(self._sender, to, self._made(notification, thread, ident, short=True))
        if isinstance(result, Retry | GiveUp):
            return result
        have_it |= {address_hash(address) for address in result.has}
        if result.later:
            pending = replace(thread, pending=ident, have_it=have_it)
            why = f"{len(result.later)} of {len(self._to)} addresses are not accepted now: {result.detail}"
            return Retry(Reason.UNAVAILABLE, why, receipt=pending.encode())
        if result.refused:
            log.warning(
                "%d of %d addresses of email.to are refused by the server; correct or remove them",
                *(len(result.refused), len(self._to)),
                extra={"why": result.detail},
            )
        return Sent(Thread(thread.subject, thread.count + 1, ident, content(notification.incident)).encode())

    async def test(self) -> Outcome:
        """Send a message that is marked as a test."""
        now = self._clock.now()
        made = message.message(
            sender=self._sender,
            to=self._to,
            subject="Test of Leadline",
            message_id=f"<test.{timestamp(now).replace(':', '').replace('-', '')}@{self._domain}>",
            references=(),
            at=now,
            text=f"{_TEST}\n",
            markup=f"<p>{_TEST}</p>\n",
            headers={},
        )
        result = await self._smtp.send(self._sender, self._to, made.as_bytes())
        if isinstance(result, Retry | GiveUp):
            return result
        if missing := (*result.later, *result.refused):
            return Retry(Reason.TARGET_GONE, f"{len(missing)} of {len(self._to)} addresses: {result.detail}")
        return Sent()

    async def close(self) -> None:
        """Nothing to release: each message has a connection of its own."""

    def _made(self, notification: Notification, thread: Thread, ident: str, *, short: bool = False) -> bytes:
        incident, now = notification.incident, self._clock.now()
        first, state = lead(notification, now), status(incident)
        below: list[MessagePart] = parts(notification, self._notify)[: _SHORT if short else None]
        ended = incident.state == "resolved"
        return message.message(
            sender=self._sender,
            to=self._to,
            subject=thread.subject,
            message_id=ident,
            references=references(incident, thread, self._domain),
            at=now,
            text=message.plain(first, state, below),
            markup=message.markup(first, state, below, incident.severity, ended=ended),
            headers={
                "X-Leadline-Occasion": notification.occasion,
                "X-Leadline-Severity": incident.severity,
                "X-Leadline-State": incident.state,
            },
        ).as_bytes()
