"""Checks actions that come in, and writes their records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakValueDictionary

from leadline.clock import Clock
from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline.settings.inbound import InboundSettings
from leadline_sinks.inbound.person_action import PersonAction, answer
from leadline_sinks.notify.context import NotificationContext

ANSWER_S: Final = 2.5
"""Longest time until an action is written: Slack shows people an error after three seconds."""

log = logging.getLogger(__name__)


class Intake:
    """``caught_up`` waits until the context has all records; ``write`` writes one and returns when Kafka has it."""

    def __init__(
        self,
        settings: InboundSettings,
        context: NotificationContext,
        caught_up: Callable[[], Awaitable[None]],
        write: Callable[[Action | Silence], Awaitable[object]],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._context = context
        self._caught_up = caught_up
        self._write = write
        self._clock = clock
        self._one_by_one: WeakValueDictionary[IncidentId, asyncio.Lock] = WeakValueDictionary()

    @property
    def context(self) -> NotificationContext:
        """The incidents that there are."""
        return self._context

    async def take(self, given: PersonAction) -> str:
        """Write the records of an action, and return what the person is answered; empty for nothing.

        Of several at once about one incident, each finds what the one before it has written: a second press of an
        impatient person is no second record. Raises TimeoutError when Kafka does not have them in time. The vendor or
        the person may try again.
        """
        incident = given.incident_id
        turn = self._one_by_one.setdefault(incident, asyncio.Lock())
        async with asyncio.timeout(ANSWER_S), turn:
            await self._caught_up()
            found = answer(
                given,
                self._context.incident(incident),
                self._context.actions(incident),
                self._settings,
                self._clock.now(),
            )
            for record in found.records:
                await self._write(record)
        log.info("%s, from %s: %s", given.kind, given.vendor, escape(found.text or incident))
        return found.text
