"""When the server log is read, and by which right."""

import logging
from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from leadline.model import Value
from leadline.model.server_log import ServerLog
from leadline.settings.agent import QueryText
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import catalog
from leadline_agents.engines.postgresql.answers import LookAnswer
from leadline_agents.engines.postgresql.log_records import records
from leadline_agents.engines.postgresql.log_selection import selected

SOON_S, LATER_S = 3.0, 30.0
"""Time between two readings in the first minute of a failure, and after that."""
SOON_FOR_S = 60.0
AGAIN_S = 600.0
"""After a failure to read, and until the rights are asked for again."""
MISSED_S = 120.0
"""A standby or subscriber that was connected explains readings for so long after it has gone."""
MOST_BYTES = 32768

log = logging.getLogger(__name__)


class Rights(Value, frozen=True, kw_only=True):
    """``queries/logrights-*.sql``."""

    may_find: bool
    may_read: bool
    by_function: bool


class Tail(Value, frozen=True, kw_only=True):
    """``queries/logpath-*.sql``, ``queries/logtail-*.sql``, ``queries/logtailby-*.sql``."""

    path: str = ""
    data_directory: str = ""
    prefix: str = ""
    now: datetime
    here_now: str
    tail: str | None = None

    @property
    def file(self) -> Path:
        """The file on the server's host."""
        return Path(self.data_directory) / self.path

    @property
    def zone(self) -> timedelta:
        """The time of the server log is ahead of UTC by this."""
        return timedelta(
            seconds=round((datetime.fromisoformat(self.here_now) - self.now.replace(tzinfo=None)).total_seconds())
        )


class ServerLogReader:
    """Reads the end of the server log while replication fails, where the role or the host allows it."""

    def __init__(
        self, ask: Callable[[str], Awaitable[bytes]], node: str, query_text: QueryText, *, is_here: bool
    ) -> None:
        """``ask`` sends a query of the catalog; ``is_here``: the server's files are on this host."""
        self._ask, self._node, self._query_text, self._is_here = ask, node, query_text, is_here
        self._rights: Rights | None = None
        self._due = self._rights_due = 0.0
        self._wrong_since: float | None = None
        self._errors: dict[tuple[str, str], int] = {}
        self._seen: dict[str, float] = {}
        """When each downstream was last connected."""

    async def read(self, look: LookAnswer, now: float) -> ServerLog | None:
        """The messages about replication; None while nothing is wrong, or it was read a moment ago. Raises nothing."""
        if not self._is_wrong(look, now):
            self._wrong_since = None
            return None
        if self._wrong_since is None:
            self._wrong_since = self._due = now
        if now < self._due:
            return None
        self._due = now + (SOON_S if now - self._wrong_since < SOON_FOR_S else LATER_S)
        try:
            return await self._read(now)
        except (CannotRead, msgspec.DecodeError, ValueError) as error:
            self._due, self._rights = now + AGAIN_S, None
            log.warning("cannot read the server log: %s", error, extra={"node": self._node})
            return None

    async def _read(self, now: float) -> ServerLog | None:
        if self._rights is None or now >= self._rights_due:
            self._rights = _RIGHTS.decode(await self._ask(catalog.LOG_RIGHTS))
            self._rights_due = now + AGAIN_S
        rights = self._rights
        if not rights.may_find:
            return ServerLog()
        how = catalog.LOG_TAIL if rights.may_read else catalog.LOG_TAIL_BY if rights.by_function else catalog.LOG_PATH
        found = _TAIL.decode(await self._ask(how))
        if not found.path:
            return ServerLog()
        tail = b64decode(found.tail) if found.tail is not None else self._from_file(found)
        if tail is None:
            return ServerLog(path=str(found.file))
        shown = selected(records(found.path, tail, found.prefix, found.zone), self._query_text)
        return ServerLog(path=str(found.file), read=True, lines=shown)

    def _from_file(self, found: Tail) -> bytes | None:
        if not self._is_here or not found.data_directory:
            return None
        try:
            with found.file.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - MOST_BYTES))
                return file.read(MOST_BYTES)
        except OSError:
            return None

    def _is_wrong(self, look: LookAnswer, now: float) -> bool:
        """Whether a receiver, a worker or a sender that should run does not, or a worker failed since the last look."""
        errors = {
            (each.database, each.name): (each.apply_errors or 0) + (each.sync_errors or 0)
            for each in look.subscriptions
        }
        before, self._errors = self._errors, errors
        here = {f"{row.name} {row.kind}" for row in look.downstreams}
        self._seen = {name: at for name, at in self._seen.items() if now - at < MISSED_S} | dict.fromkeys(here, now)
        return (
            (look.upstream is not None and look.upstream.status != "streaming")
            or any(each.enabled and each.pid is None for each in look.subscriptions)
            or any(count > before.get(name, count) for name, count in errors.items())
            or any(not slot.active and not slot.temporary and not slot.synced for slot in look.slots)
            or len(self._seen) > len(here)
        )


_RIGHTS = msgspec.json.Decoder(Rights)
_TAIL = msgspec.json.Decoder(Tail)
