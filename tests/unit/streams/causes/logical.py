"""A made-up publisher pg-1 and its subscriber pg-3, second by second, and what the causes say of them."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from leadline.model.incident import Cause
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.world import QUICK, World

WATCHED = (
    "apply_conflict",
    "apply_error",
    "publication_missing",
    "replication_cut_off",
    "replication_lag",
    "replication_stalled",
    "slot_retention_forecast",
    "slot_inactive",
    "subscription_disabled",
    "table_sync_stuck",
)
COUNTED = {"insert_exists": 0, "update_missing": 0, "update_origin_differs": 0}
"""The samples of a healthy subscriber of PostgreSQL 18."""
GONE: dict[str, Any] = {"pid": None, "received_lsn": None, "latest_end_lsn": None, "workers": 0}
"""A subscription without a worker."""


def logical(rules: Mapping[str, dict[str, Any]] | None = None, **settings: str) -> World:
    """A world in which each rule fires after five seconds; the settings are the subscriber's."""
    world = World(**(dict.fromkeys(WATCHED, QUICK) | dict(rules or {})))
    world.add("pg-1", "primary")
    subscriber = world.add("pg-3", "primary", system_id="7003")
    subscriber.settings.update(settings)
    run(world, 5)
    world.send_settings()
    return world


def run(world: World, seconds: int, *, stuck: bool = False, slot: Mapping[str, Any] | None = {}, **shown: Any) -> None:
    """Let time pass. ``stuck``: without a sender, the position stands still. ``slot``: what differs, None for no slot.

    ``shown``: what differs in the subscription; a function gives the value of each second.
    """
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    stands = format_lsn(world.lsn)
    for second in range(1, seconds + 1):
        now = {name: value(second) if callable(value) else value for name, value in shown.items()}
        world.subscribe(up, down, **{"conflicts": COUNTED, "database": "app", "workers": 1, **now})
        (healthy,) = up.fields["slots"] = [replace(each, database="app") for each in up.fields["slots"]]
        if stuck or slot is None:
            still = replace(healthy, active=False, confirmed_lsn=stands, restart_lsn=stands)
            up.set(slots=[] if slot is None else [replace(still, **slot)], downstreams=())
        world.step()


def causes(world: World) -> list[Cause]:
    """The ranked causes that were named last."""
    return world.causes


def first(world: World) -> Cause:
    """The first-ranked cause."""
    return causes(world)[0]


def rising(kind: str, at_once: int = 2) -> Any:
    """A conflict counter that rises each second."""
    return lambda second: {**COUNTED, kind: second * at_once}


def by_two(second: int) -> int:
    """A counter that rises by two each second."""
    return second * 2
