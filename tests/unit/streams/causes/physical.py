"""A made-up primary pg-1 and its standby pg-2, broken in one place at a time."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from leadline.model.activity import Activity, Session
from leadline.model.incident import Cause
from leadline_streams.rules import RULES
from tests.unit.streams.world import QUICK, World

NONE: Mapping[str, Any] = {}
RULES_SOON: dict[str, Any] = {
    **dict.fromkeys(RULES, QUICK),
    "replication_lag": {**QUICK, "warning": 3.0},
    "replication_lag_bytes": {**QUICK, "warning": 500_000.0},
}
SETTINGS = {
    "pg-1": {"max_connections": "100", "wal_keep_size": "0", "wal_segment_size": "16777216"},
    "pg-2": {"max_connections": "100", "max_standby_streaming_delay": "30000", "wal_receiver_timeout": "60000"},
}


def pair(**rules: dict[str, Any]) -> World:
    """A world that has been healthy for ten seconds and has sent its settings; each rule fires after five."""
    world = World(**{**RULES_SOON, **rules})
    for server in world.pair():
        server.settings.update(SETTINGS[server.node.name])
    run(world, 10)
    world.send_settings()
    return world


def run(
    world: World,
    seconds: int,
    *,
    replayed: int | None = None,
    received: int | None = None,
    cut: bool = False,
    up: Mapping[str, Any] = NONE,
    down: Mapping[str, Any] = NONE,
    row: Mapping[str, Any] = NONE,
    slot: Mapping[str, Any] = NONE,
    receiver: Mapping[str, Any] = NONE,
    positions: Mapping[str, Any] = NONE,
) -> None:
    """Let time pass with what differs from a healthy stream, in the samples of both ends and their parts."""
    primary, standby = world.servers["pg-1"], world.servers["pg-2"]
    at = world.lsn if replayed is None else replayed
    for _ in range(seconds):
        if cut:
            world.stream(primary, standby, replayed=at, received=at)
            primary.set(downstreams=(), slots=tuple(replace(one, active=False) for one in primary.fields["slots"]))
            standby.set(upstream=replace(standby.fields["upstream"], status=None, message_age_s=None))
        else:
            world.stream(primary, standby, replayed=replayed, received=received)
        primary.set(
            downstreams=tuple(replace(one, **row) for one in primary.fields["downstreams"]),
            slots=tuple(replace(one, **slot) for one in primary.fields["slots"]),
        )
        standby.set(
            upstream=replace(standby.fields["upstream"], **receiver),
            positions=replace(standby.fields["positions"], **positions),
        )
        primary.set(**up)
        standby.set(**down)
        world.step()


def change(world: World, server: str, **settings: str) -> None:
    """Somebody changes settings, and the agents tell."""
    world.servers[server].settings.update(settings)
    world.send_settings()


def session(**fields: Any) -> Activity:
    """One old transaction that wrote, which is also what replay waits for."""
    usual = {"pid": 4711, "user": "report", "state": "idle in transaction", "age_s": 42.0, "wrote": True}
    one = Session(**{**usual, **fields})
    return Activity(blockers=(one,), oldest=(one,))


def causes(world: World) -> list[Cause]:
    """The ranked causes that were named last."""
    return world.causes


def first(world: World) -> Cause:
    """The first-ranked cause."""
    return causes(world)[0]


def codes(world: World) -> list[str]:
    """The ranked codes."""
    return [cause.code for cause in causes(world)]
