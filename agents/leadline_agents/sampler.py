"""Looks at one server at every interval, never twice at once, and turns what it saw into observations."""

import logging
import secrets
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from msgspec import DecodeError

from leadline.clock import Clock, epoch
from leadline.metrics import AGENT_LAST_SUCCESS, AGENT_PROBE_SECONDS, AGENT_SAMPLES
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import Cost, Disk, Node, NodeSettings, Sample, Tables
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.dsn import parts
from leadline_agents import host
from leadline_agents.engines.postgresql import catalog, document, rows
from leadline_agents.engines.postgresql.connect_errors import Trouble
from leadline_agents.engines.postgresql.document import Files, Look
from leadline_agents.engines.postgresql.probe import Probe
from leadline_agents.engines.postgresql.replies import ReplyAges
from leadline_agents.engines.postgresql.workers import TABLES_EVERY_S, Workers

FILES_EVERY_S = 60.0
"""Listing the log's directory looks at every file in it."""
BOUND = 0.75
"""Part of the interval that a statement may take; the rest is for cancelling it and for the network."""
PATIENCE = 0.9
"""Part of the interval after which the look has failed."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Backlog(NamedTuple):
    """What could not be delivered yet, and never will be."""

    spooled: int = 0
    dropped: int = 0


class Sampler:
    """One instance's observations, numbered in the order they are made; ``boot`` names this run of the numbers."""

    def __init__(
        self,
        instance: InstanceSettings,
        settings: AgentSettings,
        clock: Clock,
        backlog: Callable[[], Backlog] = Backlog,
        *,
        patience_s: float | None = None,
    ) -> None:
        interval_s = settings.interval_s
        self._settings = settings
        self._clock = clock
        self._backlog = backlog
        self._probe = Probe(
            instance,
            clock,
            timeout_s=min(settings.statement_timeout_s, interval_s * BOUND),
            patience_s=patience_s or interval_s * PATIENCE,
            connect_timeout_s=settings.connect_timeout_s,
        )
        self._node = _node(instance, f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
        self._replies = ReplyAges()
        self._workers = Workers()
        self._seq = 0
        self._error: str | None = None
        self._files_due = self._settings_due = self._tables_due = clock.monotonic()
        self._settings_loaded_at: object = None
        self._vacant: frozenset[str] = frozenset()
        """What the next look need not ask for."""
        self._data_directory: str | None = None
        """Where the server's files are, once it told."""

    async def run(self, publish: Callable[[Sample | NodeSettings], None], after_s: float = 0.0) -> None:
        """Look and publish until cancelled, first in ``after_s``. A look that was missed is not made up for."""
        interval_s = self._settings.interval_s
        await self._clock.sleep(after_s)
        due = self._clock.monotonic()
        try:
            while True:
                sample, settings = await self.look()
                publish(sample)
                if settings is not None:
                    publish(settings)
                due += interval_s
                late = self._clock.monotonic() - due
                if late > 0:
                    due += interval_s * (late // interval_s + 1)
                await self._clock.sleep(due - self._clock.monotonic())
        finally:
            await self._probe.close()

    async def look(self) -> tuple[Sample, NodeSettings | None]:
        """One look: a sample, with ``up`` false and the reason when there was no answer, then settings when due."""
        try:
            return await self._up(await self._seen())
        except Trouble as trouble:
            return self._down(str(trouble)), None
        except Exception as error:  # a defect here must not end the watch over this server or the others
            return self._down(f"defect in the agent, please report it: {type(error).__name__}: {error}", error), None

    async def close(self) -> None:
        """Hang up."""
        await self._probe.close()

    async def _seen(self) -> Look:
        """What the server answers, without the groups that had no row; looked at again when they may have some now."""
        look = document.read_look(await self._probe.ask(catalog.FRAME, self._vacant))
        if not self._vacant <= look.vacant:
            look = document.read_look(await self._probe.ask(catalog.FRAME))
        self._vacant = look.vacant
        return look

    async def _up(self, look: Look) -> tuple[Sample, NodeSettings | None]:
        name = self._node.name
        round_trip_s = self._probe.round_trip_s
        sent_at, now = self._clock.now(), self._clock.monotonic()
        AGENT_SAMPLES.labels(name, "up").inc()
        AGENT_PROBE_SECONDS.labels(name).observe(round_trip_s)
        AGENT_LAST_SUCCESS.labels(name).set(epoch(sent_at))
        self._note(None)
        replies = {row.pid: row.reply_time for row in look.downstreams if row.reply_time is not None}
        files = await self._files(look, now)
        sample = rows.sample_of(
            self._node,
            look,
            seq=self._next(),
            sent_at=sent_at,
            interval_s=self._settings.interval_s,
            query_text=self._settings.query_text,
            reply_ages=self._replies.update(replies, look.node.at, now),
            files=files,
            free=self._free() if files is not None else None,
            tables=await self._tables(look, now),
            cost=self._cost(round_trip_s),
        )
        return sample, await self._node_settings(look, now)

    def _down(self, error: str, defect: Exception | None = None) -> Sample:
        AGENT_SAMPLES.labels(self._node.name, "down").inc()
        self._note(error, defect)
        now = self._clock.now()
        return Sample(
            node=self._node,
            seq=self._next(),
            at=now,
            sent_at=now,
            up=False,
            interval_s=self._settings.interval_s,
            error=error,
            disk=self._room(),
            cost=self._cost(0.0),
        )

    def _note(self, error: str | None, defect: Exception | None = None) -> None:
        """Log what changed since the last look."""
        if error == self._error:
            return
        extra = {"node": self._node.name}
        if error is None:
            log.info("the server answers", extra=extra)
        else:
            log.warning("the server cannot be read: %s", error, extra=extra, exc_info=defect)
        self._error = error

    async def _files(self, look: Look, now: float) -> Files | None:
        if now < self._files_due or not look.node.may_list_wal:
            return None
        self._files_due = now + FILES_EVERY_S
        files = await self._ask(catalog.FILES, document.read_files)
        if files is not None:
            self._data_directory = files.data_directory
        return files

    async def _tables(self, look: Look, now: float) -> Tables | None:
        if not self._workers.troubled(look) or now < self._tables_due:
            return None
        self._tables_due = now + TABLES_EVERY_S
        return await self._ask(catalog.TABLES, document.read_tables)

    async def _node_settings(self, look: Look, now: float) -> NodeSettings | None:
        """The settings, on start, after a reload and now and then."""
        if now < self._settings_due and look.node.settings_loaded_at == self._settings_loaded_at:
            return None
        settings = await self._ask(catalog.SETTINGS, document.read_settings)
        if settings is None:
            return None
        self._settings_due = now + self._settings.settings_every_s
        self._settings_loaded_at = look.node.settings_loaded_at
        return rows.settings_of(self._node, look, settings, seq=self._next(), sent_at=self._clock.now())

    async def _ask(self, query: str, read: Callable[[bytes], T]) -> T | None:
        """What is not part of every look; without it the look is good all the same."""
        try:
            return read(await self._probe.ask(query))
        except (Trouble, DecodeError) as error:
            log.warning("cannot read the %s: %s", query, error, extra={"node": self._node.name})
            return None

    def _free(self) -> tuple[int, int] | None:
        if self._data_directory is None or not host.is_here(self._node.host):
            return None
        return host.volume(self._data_directory)

    def _room(self) -> Disk | None:
        """What is left of the log's volume, which its server cannot tell while it is down."""
        free = self._free()
        return Disk(free_bytes=free[0], total_bytes=free[1]) if free is not None else None

    def _cost(self, round_trip_s: float) -> Cost:
        backlog = self._backlog()
        return Cost(
            statement_ms=round(round_trip_s * 1000, 3),
            agent_cpu_s=round(host.cpu_s(), 3),
            agent_rss_bytes=host.rss_bytes(),
            spooled=backlog.spooled,
            dropped=backlog.dropped,
        )

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _node(instance: InstanceSettings, boot: str) -> Node:
    """What is known of a node before it answered."""
    dsn = parts(instance.dsn.reveal())
    address = (dsn.get("host") or dsn.get("hostaddr") or "localhost").split(",")[0]
    port = int((dsn.get("port") or "5432").split(",")[0])
    own = [f"{host.own_name()}:{port}"] if host.is_here(address) else []
    return Node(
        name=NodeName(instance.name),
        cluster=ClusterName(instance.cluster),
        boot=boot,
        datacenter=instance.datacenter,
        host=address,
        port=port,
        aliases=(*instance.aliases, *own),
        labels=instance.labels,
    )
