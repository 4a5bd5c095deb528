"""Reads one instance at every interval, one look at a time, and numbers the observations."""

import logging
import secrets
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from leadline.clock import Clock, epoch
from leadline.metrics import AGENT_LAST_SUCCESS, AGENT_LEFT_OUT, AGENT_PROBE_SECONDS, AGENT_SAMPLES, at_zero
from leadline.model.audit_look import AuditLook
from leadline.model.finding import EngineVitals
from leadline.model.host import Cost
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue
from leadline.redaction.redact import redact
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline_agents import host
from leadline_agents.engine import Address, CannotRead, EngineOptions, Reading
from leadline_agents.engines.registry import open_engine
from leadline_agents.trimming import Trimmer
from leadline_agents.wire_form import WireForm

STATEMENT_PART = 0.75
"""Largest part of the interval that a statement may take; the rest is for cancelling it and for the network."""
PATIENCE_PART = 0.9
"""Part of the interval after which a look has failed."""

AUDIT_AGAIN_S = 60.0
"""Time until a look for the audit that failed is tried again."""

log = logging.getLogger(__name__)


class Backlog(NamedTuple):
    """Observations that are not delivered."""

    spooled: int = 0
    """On disk, to be sent."""
    dropped: int = 0
    """Lost since the agent started."""
    channels: int = 0
    """Connections to Kafka that were opened since the agent started."""
    refused_bytes: int = 0
    """The smallest value that Kafka refused for its size lately; 0 for none."""


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
        """Does not connect. Raises UsageError when the settings of the instance cannot work with its engine."""
        interval_s = settings.interval_s
        self._settings = settings
        self._clock = clock
        self._backlog = backlog
        options = EngineOptions(
            statement_timeout_s=min(settings.statement_timeout_s, interval_s * STATEMENT_PART),
            patience_s=patience_s or interval_s * PATIENCE_PART,
            connect_timeout_s=settings.connect_timeout_s,
            query_text=settings.query_text,
            vitals=settings.wire == "vitals",
        )
        self._engine = open_engine(instance, options, clock)
        boot = f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._node = _node(instance, self._engine.address, boot)
        self._form = WireForm(self._engine.vitals if settings.wire == "vitals" else None, clock)
        self._trimmer = Trimmer(clock)
        at_zero(AGENT_SAMPLES, [self._node.name], ("up", "down"))
        self._left_out: tuple[str, ...] = ()
        self._seq = 0
        self._error: str | None = None
        self._settings_due = clock.monotonic()
        self._audit_due = clock.monotonic() if settings.audit_every_s else inf
        self._settings_before: dict[str, SettingValue] | None = None

    async def run(
        self, publish: Callable[[Sample | NodeSettings | EngineVitals | AuditLook], None], after_s: float = 0.0
    ) -> None:
        """Look and publish until cancelled, for the first time in ``after_s``. A missed look is left out."""
        interval_s = self._settings.interval_s
        await self._clock.sleep(after_s)
        due = self._clock.monotonic()
        try:
            while True:
                sample, settings = await self.look()
                backlog = self._backlog()
                sample = self._note_left_out(self._trimmer.fitted(sample, backlog.refused_bytes))
                publish(self._form.of(sample, (backlog.dropped, backlog.channels)))
                if settings is not None:
                    publish(settings)
                audit = await self.audit(sample, settings)
                if audit is not None:
                    publish(audit)
                due += interval_s
                late = self._clock.monotonic() - due
                if late > 0:
                    due += interval_s * (late // interval_s + 1)
                await self._clock.sleep(due - self._clock.monotonic())
        finally:
            await self._engine.close()

    async def look(self) -> tuple[Sample, NodeSettings | None]:
        """One look: a sample, and the settings when they are due.

        Without an answer the sample has ``up`` false and the reason in ``error``.
        """
        try:
            reading = await self._engine.look(self._node)
            return self._up(reading), await self._read_settings(reading)
        except CannotRead as error:
            return self._down(str(error), code=error.code, stopped=error.stopped), None
        except Exception as error:  # a defect must not end the reading of this server or of the others
            return self._down(
                f"agent error: {type(error).__name__}: {error} (this is a defect, please report it)",
                defect=error,
            ), None

    async def audit(self, sample: Sample, settings: NodeSettings | None) -> AuditLook | None:
        """A look for the audit, after a look that was answered: at the start, when other settings were read than
        before, and every ``audit_every_s``. None when none is due, or the server does not give it."""
        now = self._clock.monotonic()
        if settings is not None and self._settings_before not in (None, settings.settings):
            self._audit_due = min(self._audit_due, now) if self._audit_due < inf else inf
        if settings is not None:
            self._settings_before = settings.settings
        if now < self._audit_due or not sample.up:
            return None
        self._audit_due = now + AUDIT_AGAIN_S
        try:
            look = await self._engine.audit()
        except CannotRead as error:
            log.warning("cannot read what an audit needs: %s", error, extra={"node": self._node.name})
            return None
        except Exception as error:  # a defect must not end the reading of this server or of the others
            log.error("cannot read what an audit needs: %s", error, extra={"node": self._node.name}, exc_info=error)
            return None
        self._audit_due = now + self._settings.audit_every_s
        return look

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.close()

    def _up(self, reading: Reading) -> Sample:
        name, sample = self._node.name, reading.sample
        AGENT_SAMPLES.labels(name, "up").inc()
        AGENT_PROBE_SECONDS.labels(name).observe(reading.round_trip_s)
        AGENT_LAST_SUCCESS.labels(name).set(epoch(sample.sent_at))
        self._note(None)
        return replace(
            sample,
            seq=self._next(),
            interval_s=self._settings.interval_s,
            cost=self._cost(reading.round_trip_s),
        )

    def _down(
        self, error: str, code: str | None = None, defect: Exception | None = None, *, stopped: bool = False
    ) -> Sample:
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
            error=redact(error),
            error_code=code,
            stopped=stopped,
            disk=self._engine.disk(),
            cost=self._cost(0.0),
        )

    async def _read_settings(self, reading: Reading) -> NodeSettings | None:
        """The settings at the first look, after a change, and every ``settings_every_s``."""
        now = self._clock.monotonic()
        if now < self._settings_due and not reading.settings_changed:
            return None
        try:
            settings = await self._engine.settings(reading.sample.node)
        except CannotRead as error:  # read again at the next look
            log.warning("cannot read the settings: %s", error, extra={"node": self._node.name})
            return None
        self._settings_due = now + self._settings.settings_every_s
        return replace(settings, seq=self._next())

    def _note(self, error: str | None, defect: Exception | None = None) -> None:
        """Write a log message when the server stops or starts to answer, or when the reason changes."""
        if error == self._error:
            return
        extra = {"node": self._node.name}
        if error is None:
            log.info("the server answers", extra=extra)
        else:
            log.warning("the server cannot be read: %s", error, extra=extra, exc_info=defect)
        self._error = error

    def _note_left_out(self, sample: Sample) -> Sample:
        """Write a log message when rows of other groups are left out than before."""
        groups = tuple(sorted(sample.left_out))
        if groups != self._left_out and groups:
            counts = ", ".join(f"{sample.left_out[group]} {group}" for group in groups)
            log.warning(
                "left out of a look, which is larger than a record may be: %s", counts, extra={"node": self._node.name}
            )
        elif groups != self._left_out:
            log.info("looks are complete again", extra={"node": self._node.name})
        self._left_out = groups
        AGENT_LEFT_OUT.labels(self._node.name).set(sum(sample.left_out.values()))
        return sample

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


def _node(instance: InstanceSettings, address: Address, boot: str) -> Node:
    """The node as far as the settings describe it."""
    here = host.is_here(address.host)
    own = [f"{name}:{address.port}" for name in (host.own_name(), *host.own_addresses())] if here else []
    return Node(
        name=NodeName(instance.name),
        cluster=ClusterName(instance.cluster),
        boot=boot,
        engine=instance.engine,
        datacenter=instance.datacenter,
        host=address.host,
        port=address.port,
        aliases=(*instance.aliases, *own),
        labels=instance.labels,
    )
