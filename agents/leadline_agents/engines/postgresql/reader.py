"""Reads one server without what it refuses: a refusal costs what was refused, and is found out once."""

import logging
from collections.abc import Awaitable

from leadline.clock import Clock
from leadline_agents.backoff import delay_s
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import answers, catalog, vitals
from leadline_agents.engines.postgresql.answers import LookAnswer
from leadline_agents.engines.postgresql.parts import GROUPS, LOCKED, used_by
from leadline_agents.engines.postgresql.probe import LASTING_MOST_S, Probe
from leadline_agents.engines.postgresql.refusals import Refusals
from leadline_agents.engines.postgresql.rights import Rights
from leadline_agents.engines.postgresql.vital_answers import read_vitals

WHOLE_EVERY_S = 10.0
"""Longest time from one statement of a look to the next, where vitals are read in between."""
SETTLED_S = 5.0
"""Time after anything but a number has changed until vitals are read again."""
RIGHTS_EVERY_S = 600.0
"""A right that was granted is noticed within this time."""
HELD_S = 10.0
"""Time for which a part is left out whose catalog is locked, before the lock is looked for again."""
LOCK_TIMEOUT = "55P03"
_OTHERS = ("08", "25", "28", "3D", "40", "53", "57", "58")
"""Classes of SQLSTATE that say nothing about the statement: the connection, the login, the state of the server."""
_LOCKS = (
    "SELECT string_agg(DISTINCT relation::oid::text, ' ') FROM pg_lock_status() AS lock "
    f"WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND relation IN ({', '.join(map(str, LOCKED))})"
)

log = logging.getLogger(__name__)


class Reader:
    """Asks the queries of the catalog.

    A statement that the server refuses is not repeated: each of its parts is asked for once by itself, and those that
    are refused are left out from then on. Where that does not help, the reason is repeated without asking, for up to a
    minute.
    """

    def __init__(self, probe: Probe, clock: Clock, name: str, *, vitals: bool) -> None:
        """``vitals``: whether to read these alone where they show all that a look would."""
        self._probe = probe
        self._clock = clock
        self._name = name
        self._reads_vitals = vitals
        self._last: tuple[Rights | None, LookAnswer] | None = None
        """The last look that vitals may follow, and the rights of the connection on which it was read."""
        self._settled_at = clock.monotonic() + SETTLED_S
        self._whole_due = clock.monotonic()
        self.refusals = Refusals()
        self._vacant: frozenset[str] = frozenset()
        """Groups that the next look leaves out because they had no row."""
        self._server: tuple[object, ...] | None = None
        """The run and the role of the server, as of the last look."""
        self._rights_due = clock.monotonic() + RIGHTS_EVERY_S
        self._failed: dict[str, tuple[CannotRead, int, float]] = {}
        """By query: the error, how often, and when to ask again."""

    @property
    def flavour(self) -> str:
        """The service that runs the server; see ``Rights.flavour``."""
        return self._probe.rights.flavour if self._probe.rights else ""

    async def look(self) -> LookAnswer:
        """One look. Raises CannotRead with the reason, DecodeError for an answer of another shape."""
        await self._keep_up()
        look = await self._follow()
        if look is None:
            look = await self._whole()
            if self.refusals.of_look or not vitals.is_healthy(look):
                self._settled_at = self._clock.monotonic() + SETTLED_S
        self._last = self._probe.rights, look
        return look

    async def _follow(self) -> LookAnswer | None:
        """The look that vitals show; None where it has to be read."""
        now, before = self._clock.monotonic(), self._last
        self._last = None
        if not self._reads_vitals or before is None or not self._settled_at <= now < self._whole_due:
            return None
        rights, last = before
        without = frozenset() if last.subscriptions else frozenset({catalog.SUBSCRIBER})
        look, self._settled_at = None, now + SETTLED_S
        try:
            answer = await self.ask(catalog.VITALS, without)
        except CannotRead as error:
            if error.code != LOCK_TIMEOUT and not _is_refused(error):
                raise
        else:
            # On a connection that is new, the server may be another.
            look = vitals.following(last, read_vitals(answer)) if rights is self._probe.rights else None
        if look is not None:
            self._settled_at = now
        return look

    async def _whole(self) -> LookAnswer:
        self._whole_due = self._clock.monotonic() + WHOLE_EVERY_S
        look = answers.read_look(await self.ask(catalog.FRAME, self._vacant))
        if not self._vacant <= look.vacant:  # one of those may have a row now
            look = answers.read_look(await self.ask(catalog.FRAME))
        self._vacant = look.vacant
        server = (look.node.started_at, look.node.in_recovery)
        if self._server not in (None, server):
            self.refusals.forget()
        self._server = server
        return look

    async def ask(self, query: str, without: frozenset[str] = frozenset()) -> bytes:
        """The answer of a query, without what the server refuses. Raises CannotRead with the reason."""
        error, failures, until = self._failed.get(query, (None, 0, 0.0))
        if error is not None and self._clock.monotonic() < until:
            raise error
        self.refusals.know(await self._probe.connected())
        try:
            answer = await self._ask(query, without)
        except CannotRead as first:
            error = first
            try:
                if not await self._learn(query, first):
                    raise
                answer = await self._ask(query, without)
            except CannotRead as last:
                if _is_refused(last) and _is_refused(error):
                    until = self._clock.monotonic() + delay_s(failures + 3, LASTING_MOST_S)
                    self._failed[query] = last, failures + 1, until
                raise
        self._failed.pop(query, None)
        return answer

    async def _ask(self, query: str, without: frozenset[str]) -> bytes:
        return await self._probe.ask(query, without | self.refusals.groups, self.refusals.parts)

    async def _keep_up(self) -> None:
        now = self._clock.monotonic()
        if now >= self._rights_due:
            self._rights_due = now + RIGHTS_EVERY_S
            await self._probe.refresh()
        if self.refusals.is_holding and now >= self.refusals.held_until:
            await self._hold()

    async def _learn(self, query: str, error: CannotRead) -> bool:
        """Find out what a failed statement should leave out. False when there is no point in asking again."""
        if error.code == LOCK_TIMEOUT:
            return "pg_locks" not in self.refusals.parts and await self._hold()
        if not _is_refused(error):
            return False
        before = self.refusals.parts | self.refusals.groups
        await self._probe.refresh()
        rights = await self._probe.connected()
        self.refusals.know(rights)
        text = catalog.statement(query, rights.version_num, self.refusals.groups, self.refusals.parts).decode()
        for part in used_by(text):
            await self._find(part.name, self._probe.try_out(part.asked.format(name=part.name)))
        if query == catalog.FRAME and before == self.refusals.parts | self.refusals.groups:
            await self._learn_groups()
        left_out = self.refusals.parts | self.refusals.groups
        if left_out == before:
            return False
        log.warning(
            "the server refuses %s: %s", ", ".join(sorted(left_out - before)), error, extra={"node": self._name}
        )
        return True

    async def _learn_groups(self) -> None:
        """No part is refused by itself: ask for each group by itself, if the rest is answered."""
        try:
            await self._probe.ask(catalog.FRAME, GROUPS, self.refusals.parts)
        except CannotRead:
            return
        for group in sorted(GROUPS - self.refusals.groups):
            await self._find(group, self._probe.ask(catalog.FRAME, GROUPS - {group}, self.refusals.parts))

    async def _find(self, name: str, asking: Awaitable[object]) -> None:
        try:
            await asking
        except CannotRead as error:
            if not _is_refused(error) or error.code is None:
                raise
            self.refusals.find(name, error.code)

    async def _hold(self) -> bool:
        """Leave out what waits for a lock on a catalog, and nothing when there is none any more."""
        found = await self._probe.try_out(_LOCKS)
        parts = {part for oid in (found or b"").split() for part in LOCKED[int(oid)]}
        self.refusals.hold(parts, self._clock.monotonic() + HELD_S)
        return True


def _is_refused(error: CannotRead) -> bool:
    """Whether the server refused the statement itself, so that it would do so again."""
    return error.code is not None and error.code != LOCK_TIMEOUT and not error.code.startswith(_OTHERS)
