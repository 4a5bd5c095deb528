"""One PostgreSQL server as an ``EngineInstance``: which statements are sent at which look."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from msgspec import DecodeError
from msgspec.structs import replace

from leadline.clock import Clock
from leadline.model.audit_look import AuditLook
from leadline.model.host import Disk
from leadline.model.node import Node
from leadline.model.observation import NodeSettings
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.model.tables import DatabaseState, Tables
from leadline.settings.agent import InstanceSettings
from leadline.settings.dsn import resolved
from leadline_agents import host
from leadline_agents.engine import Address, CannotRead, EngineOptions, Reading
from leadline_agents.engines.postgresql import answers, catalog, observations
from leadline_agents.engines.postgresql.answers import FilesAnswer, ListedAnswer, LookAnswer, RefusedAnswer
from leadline_agents.engines.postgresql.audit_look import read_audit
from leadline_agents.engines.postgresql.audit_trimming import trimmed
from leadline_agents.engines.postgresql.history import LogicalWorkers, ReplyAges
from leadline_agents.engines.postgresql.log_reader import ServerLogReader
from leadline_agents.engines.postgresql.observations import DEFAULT_PORT
from leadline_agents.engines.postgresql.probe import Probe
from leadline_agents.engines.postgresql.reader import Reader
from leadline_agents.sockets import Connections

FILES_EVERY_S = 60.0
"""Listing the WAL directory looks at every file in it."""
REFUSED_EVERY_S = 60.0
"""The catalogs of all published tables are read."""
DATABASES_EVERY_S = 15.0
"""Counters of every database and a few catalogs are read."""
AGAIN_S = 3.0
"""From their first reading to the second one."""
TABLES_EVERY_S = 30.0
"""Shortest time between two readings of the tables, which are read while a logical worker is missing or changes."""

LEAVE_EVERY_S = 10.0
"""Time between two questions whether the server is shutting down, while no other client is connected."""
WAL = "pg_ls_waldir()"

T = TypeVar("T")

log = logging.getLogger(__name__)


class PostgresqlInstance:
    """An ``EngineInstance`` for one server of PostgreSQL 13 or later.

    A look is one statement, or two when the server may have rows in a group that the first one left out. Between two
    looks vitals are read in its place where they show the same.
    Files and tables are read beside it when they are due; a failure there is logged and leaves the look as it is.
    """

    vitals = PostgresqlVitals

    def __init__(self, instance: InstanceSettings, options: EngineOptions, clock: Clock) -> None:
        """Raises UsageError when ``dsn`` is not a connection string."""
        self._name = instance.name
        self._instance = instance
        self._query_text = options.query_text
        self._clock = clock
        self._probe = Probe(
            instance,
            clock,
            timeout_s=options.statement_timeout_s,
            patience_s=options.patience_s,
            connect_timeout_s=options.connect_timeout_s,
        )
        self._reader = Reader(self._probe, clock, instance.name, vitals=options.vitals)
        self.address = _address(instance.dsn.reveal())
        self._replies = ReplyAges()
        self._connections = Connections()
        self._workers = LogicalWorkers()
        self._server_log = ServerLogReader(
            self._reader.ask, instance.name, options.query_text, is_here=host.is_here(self.address.host)
        )
        self._files_due = self._tables_due = self._leave_due = self._refused_due = clock.monotonic()
        self._listed_due = self._databases_due = self._refused_due
        self._listed_number: int | None = None
        """Of the tables of subscriptions, as of the last reading of their names."""
        self._data_directory: str | None = None
        """As the server reported it."""
        self._loaded_at: datetime | None = None
        """When the server last loaded its configuration, as of the last look."""
        self._read_as_of: datetime | None = None
        """The same, as of the last reading of the settings."""
        self._unchanged_at: datetime | None = None
        """The last look, by the server's clock, at which these two were equal."""
        self._databases_before: tuple[DatabaseState, ...] | None = None
        """Those about which something was wrong, as of the last reading."""
        self._refused_as_of: datetime | None = None
        """The same, as of the last reading of the tables whose updates are refused."""

    async def look(self, node: Node) -> Reading:
        """One look; see ``EngineInstance``."""
        look = await self._reader.look()
        round_trip_s = self._probe.round_trip_s
        sent_at, now = self._clock.now(), self._clock.monotonic()
        self._loaded_at = look.node.settings_loaded_at
        if self._loaded_at is not None and self._loaded_at == self._read_as_of:
            self._unchanged_at = look.node.at
        replies = {row.pid: row.reply_time for row in look.downstreams if row.reply_time is not None}
        files = await self._files(look, now)
        refused = await self._refused(look, now)
        listed = await self._listed(look, now)
        sample = observations.sample_of(
            replace(node, flavour=self._reader.flavour),
            look,
            refusals=self._reader.refusals,
            sent_at=sent_at,
            query_text=self._query_text,
            reply_ages=self._replies.update(replies, look.node.at, now),
            files=files,
            free=self._free() if files is not None else None,
            tables=await self._tables(look, now),
            server_log=await self._server_log.read(look, now),
            refused=refused.refused if refused is not None else None,
            publishes=refused.publishes if refused is not None else None,
            sender_timeouts=refused.sender_timeouts if refused is not None else None,
            subscribes=listed.subscribes if listed is not None else None,
            slow_tables=listed.slow_tables if listed is not None else None,
            databases=await self._databases(now),
        )
        await self._make_way(look, now)
        if host.is_here(self.address.host):
            sample = observations.with_connections(sample, self._connections.of(observations.receivers(sample)))
        return Reading(sample, round_trip_s, settings_changed=self._loaded_at != self._read_as_of)

    async def settings(self, node: Node) -> NodeSettings:
        """The settings; see ``EngineInstance``."""
        try:
            answer = answers.read_settings(await self._reader.ask(catalog.SETTINGS))
        except DecodeError as error:
            raise CannotRead(f"unexpected answer: {error}") from None
        self._read_as_of = self._loaded_at
        answer = replace(answer, settings=answer.settings | await self._probe.overridden())
        return observations.settings_of(node, answer, sent_at=self._clock.now(), unchanged_at=self._unchanged_at)

    async def audit(self) -> AuditLook | None:
        """A look for the audit, over the connection of the looks; see ``EngineInstance``."""
        rights = await self._probe.connected()

        async def ask(text: str) -> bytes:
            answer = await self._probe.try_out(text)
            if answer is None:
                raise CannotRead("unexpected answer: no value")
            return answer

        return trimmed(await read_audit(ask, self._instance, self._clock, rights))

    def disk(self) -> Disk | None:
        """Room on the volume of ``pg_wal``; see ``EngineInstance``."""
        free = self._free()
        return Disk(free_bytes=free[0], total_bytes=free[1]) if free is not None else None

    async def close(self) -> None:
        """Close the connection."""
        await self._probe.close()

    async def _make_way(self, look: LookAnswer, now: float) -> None:
        """Close the connection when somebody waits for it: to rename or drop the database, or to shut down.

        A smart shutdown waits for every session, and no session sees that it has begun; so while no other client is
        connected, the agent asks now and then whether the server still accepts connections.
        """
        if look.wanted:
            await self._probe.let_go()
        elif look.alone and look.node.may_read_stats and now >= self._leave_due:
            self._leave_due = now + LEAVE_EVERY_S
            if await self._probe.is_refused():
                await self._probe.let_go(stopped=True)

    async def _files(self, look: LookAnswer, now: float) -> FilesAnswer | None:
        if now < self._files_due or not look.node.may_list_wal or WAL in self._reader.refusals.parts:
            return None
        self._files_due = now + FILES_EVERY_S
        files = await self._ask(catalog.FILES, answers.read_files)
        if files is not None:
            self._data_directory = files.data_directory
        return files

    async def _tables(self, look: LookAnswer, now: float) -> Tables | None:
        if not self._workers.update(look) or now < self._tables_due:
            return None
        self._tables_due = now + TABLES_EVERY_S
        return await self._ask(catalog.TABLES, answers.read_tables)

    async def _refused(self, look: LookAnswer, now: float) -> RefusedAnswer | None:
        """Also after a reload, so that who repaired a table need not wait."""
        reloaded = self._loaded_at != self._refused_as_of
        if look.node.in_recovery or not look.publications or (now < self._refused_due and not reloaded):
            return None
        # The judgement may not take the first sample of a node that is new to it.
        self._refused_due = now + (AGAIN_S if self._refused_as_of is None else REFUSED_EVERY_S)
        self._refused_as_of = self._loaded_at
        return await self._ask(catalog.REFUSED, answers.read_refused)

    async def _listed(self, look: LookAnswer, now: float) -> ListedAnswer | None:
        """Also when their number has changed, so that who refreshed a subscription need not wait."""
        if look.node.in_recovery or not look.subscriptions:
            return None
        number = sum(sum(each.tables.values()) for each in look.subscriptions)
        if now < self._listed_due and number == self._listed_number:
            return None
        self._listed_due = now + (AGAIN_S if self._listed_number is None else REFUSED_EVERY_S)
        self._listed_number = number
        return await self._ask(catalog.LISTED, answers.read_listed)

    async def _databases(self, now: float) -> tuple[DatabaseState, ...] | None:
        if now < self._databases_due:
            return None
        found = await self._ask(catalog.DATABASES, answers.read_databases)
        before = self._databases_before
        # The judgement may not take the first sample of a node that is new to it.
        self._databases_due = now + (AGAIN_S if before is None else DATABASES_EVERY_S)
        if found is None:
            return None
        self._databases_before = found.databases
        return found.databases if found.databases or before else None

    async def _ask(self, query: str, read: Callable[[bytes], T]) -> T | None:
        """The answer of a query beside the look; None, and a line in the process log, when it fails."""
        try:
            return read(await self._reader.ask(query))
        except (CannotRead, DecodeError) as error:
            log.warning("cannot read the %s: %s", query, error, extra={"node": self._name})
            return None

    def _free(self) -> tuple[int, int] | None:
        # pg_wal itself: it may be a link to another volume than that of the data directory.
        if self._data_directory is None or not host.is_here(self.address.host):
            return None
        return host.volume(Path(self._data_directory) / "pg_wal")


def _address(dsn: str) -> Address:
    """The first host and port of a connection string; libpq's defaults where it names none."""
    found = resolved(dsn)
    name = (found.get("host") or found.get("hostaddr") or "localhost").split(",")[0]
    return Address(name, int((found.get("port") or str(DEFAULT_PORT)).split(",")[0] or DEFAULT_PORT))
