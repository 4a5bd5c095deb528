"""A cluster of made-up servers: tests set what each sample shows, second by second, and read what was judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident
from leadline.model.lag import LagRollup
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue
from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline_streams.assembly import judgement
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy

START = datetime(2026, 4, 10, 10, 0, 0, tzinfo=UTC)
QUICK = {"for_s": 5.0, "keep_s": 5.0}


def at(seconds: float) -> datetime:
    """A moment of the scenario."""
    return START + timedelta(seconds=seconds)


class Server:
    """A made-up server. ``set`` changes the fields of its next samples."""

    def __init__(self, world: World, name: str, role: str, **node: Any) -> None:
        self.world = world
        node = {"host": f"{name}.db", "port": 5432, "system_id": "7001", "datacenter": "fra1", **node}
        self.node = Node(name=name, cluster=world.cluster, boot=f"boot-{name}", role=role, version_num=180006, **node)
        self.fields: dict[str, Any] = {}
        self.settings: dict[str, str] = {}
        self.seq = 0
        self.silent = False
        self.ahead_s = 0.0
        """Of the clock of its host."""

    def set(self, **fields: Any) -> None:
        """Change what the next samples show."""
        self.fields.update(fields)

    def sample(self, seconds: float) -> Sample:
        """Its sample at this time."""
        self.seq += 1
        moment = at(seconds + self.ahead_s)
        fields = {"up": True, **self.fields}
        return Sample(node=self.node, seq=self.seq, at=moment, sent_at=moment, **fields)

    def node_settings(self, seconds: float) -> NodeSettings:
        """Its settings at this time."""
        self.seq += 1
        values = {name: SettingValue(value=value) for name, value in self.settings.items()}
        return NodeSettings(node=self.node, seq=self.seq, at=at(seconds), sent_at=at(seconds), settings=values)


class World:
    """A primary ``pg-1``, a standby ``pg-2`` through slot ``s2``, and what else a test adds."""

    def __init__(self, cluster: str = "orders", policy: Policy | None = None, **rules: dict[str, Any]) -> None:
        self.cluster = cluster
        self.judgement = judgement(policy or Policy(quiet_s=5.0, rules=rules))
        self.state = ClusterState(cluster, self.judgement)
        self.time = 0.0
        self.lsn = 1 << 24
        self.rate = 100_000
        """Bytes of WAL per second; 0 is an idle primary."""
        self.servers: dict[str, Server] = {}
        self.outputs: list[Transition | Incident | LagRollup] = []

    def add(self, name: str, role: str, **node: Any) -> Server:
        """A further server."""
        self.servers[name] = Server(self, name, role, **node)
        return self.servers[name]

    def pair(self) -> tuple[Server, Server]:
        """The usual primary and standby, streaming."""
        return self.add("pg-1", "primary"), self.add("pg-2", "standby")

    def stream(self, up: Server, down: Server, *, replayed: int | None = None, received: int | None = None) -> None:
        """Make both ends show a healthy stream at the present position, or one that has replayed less."""
        received = self.lsn if received is None else received
        replayed = received if replayed is None else replayed
        slot = f"s{down.node.name.rpartition('-')[2]}"
        got, done = format_lsn(received), format_lsn(replayed)
        if up.node.role == "primary":
            up.set(positions=Positions(current_lsn=format_lsn(self.lsn)))
        row = Downstream(
            name=down.node.name,
            slot=slot,
            state="streaming",
            pid=42,
            sent_lsn=format_lsn(self.lsn),
            write_lsn=got,
            flush_lsn=got,
            replay_lsn=done,
            reply_age_s=0.5,
        )
        others = [d for d in up.fields.get("downstreams", []) if d.slot != slot]
        slots = [s for s in up.fields.get("slots", []) if s.name != slot]
        up.set(
            downstreams=(*others, row),
            slots=(*slots, Slot(name=slot, active=True, wal_status="reserved", restart_lsn=done, retained_bytes=0)),
        )
        paused = getattr(down.fields.get("positions"), "replay_paused", False)
        down.set(
            positions=Positions(
                received_lsn=got,
                replayed_lsn=done,
                replay_paused=paused,
                startup_wait="Activity/RecoveryWalStream" if done == got else None,
            ),
            upstream=Upstream(
                host=up.node.host,
                port=up.node.port,
                slot=slot,
                application_name=down.node.name,
                status="streaming",
                latest_end_lsn=format_lsn(self.lsn),
                message_age_s=0.5,
            ),
        )

    def subscribe(self, up: Server, down: Server, **fields: Any) -> None:
        """Make both ends show a healthy subscription ``sub`` at the present position."""
        lsn = format_lsn(self.lsn)
        up.set(positions=Positions(current_lsn=lsn))
        slot = Slot(name="sub", kind="logical", plugin="pgoutput", active=True, confirmed_lsn=lsn, restart_lsn=lsn)
        row = Downstream(name="sub", kind="logical", slot="sub", state="streaming", replay_lsn=lsn, reply_age_s=0.5)
        up.set(
            slots=(*[s for s in up.fields.get("slots", []) if s.name != "sub"], slot),
            downstreams=(*[d for d in up.fields.get("downstreams", []) if d.name != "sub"], row),
        )
        down.set(
            positions=Positions(current_lsn=lsn),
            subscriptions=(
                replace(
                    Subscription(name="sub", slot="sub", pid=77, received_lsn=lsn, latest_end_lsn=lsn, apply_errors=0),
                    **fields,
                ),
            ),
        )

    def step(self, seconds: float = 1.0) -> None:
        """Let the primary write and every server be sampled once."""
        self.time += seconds
        self.lsn += int(self.rate * seconds)
        for index, server in enumerate(self.servers.values()):
            if not server.silent:
                self.outputs += self.state.observe(server.sample(self.time + index * 0.1))
        self.outputs += self.state.tick(at(self.time + 0.5))

    def send_settings(self) -> None:
        """The judgement receives the settings of every server."""
        for server in self.servers.values():
            if server.settings:
                self.outputs += self.state.observe(server.node_settings(self.time + 0.6))

    @property
    def transitions(self) -> list[Transition]:
        """Transitions so far."""
        return [output for output in self.outputs if isinstance(output, Transition)]

    @property
    def incidents(self) -> list[Incident]:
        """Incident records so far."""
        return [output for output in self.outputs if isinstance(output, Incident)]

    def fired(self) -> set[str]:
        """Rules that fired."""
        return {t.rule for t in self.transitions if t.to == "firing"}

    @property
    def causes(self) -> list[Cause]:
        """The causes of the newest incident record; where there is none, those that were last named with a notice."""
        if self.incidents:
            return self.incidents[-1].causes
        return next((one.causes for one in reversed(self.transitions) if one.causes), [])

    def first_cause(self) -> str | None:
        """The first-ranked cause that was named last."""
        return self.causes[0].code if self.causes else None
