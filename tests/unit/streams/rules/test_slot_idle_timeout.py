"""``slot_idle_timeout``."""

from typing import Any

import pytest

from leadline.model.replication import Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

IDLE = Slot(name="warehouse", kind="logical", restart_lsn="0/1000000", retained_bytes=5_000_000)


def looked_at(timeout: str, seconds: int, **slot: Any) -> World:
    """A slot that nobody has read since looking began, on a server with this timeout in seconds."""
    world = World(slot_idle_timeout=QUICK)
    up = world.add("pg-1", "primary")
    up.settings.update(idle_replication_slot_timeout=timeout)
    fields = {name: getattr(IDLE, name) for name in ("name", "kind", "restart_lsn", "retained_bytes")} | slot
    for second in range(seconds):
        up.set(slots=(Slot(**{"inactive_s": float(second), **fields}),))
        if second == 2:
            world.send_settings()
        play.look(world, 1)
    return world


def test_it_fires_at_half_of_the_timeout_and_is_critical_before_its_end() -> None:
    """Whatever ``slot_inactive`` waits for."""
    world = looked_at("100", 100)
    fired = [one for one in play.of(world, "slot_idle_timeout") if one.to == "firing"]
    assert 50.0 <= (fired[0].value or 0.0) < 60.0
    assert fired[0].severity == "warning"
    assert "idle_replication_slot_timeout = 1 min 40 s" in fired[0].summary
    assert fired[-1].severity == "critical"
    assert not play.of(looked_at("100", 45), "slot_idle_timeout")


@pytest.mark.parametrize(
    "slot", [{"active": True}, {"temporary": True}, {"restart_lsn": None}, {"inactive_s": None}, {"wal_status": "lost"}]
)
def test_slots_that_no_timeout_ends(slot: dict[str, Any]) -> None:
    """In use, gone with its session, without WAL, of an age that is not shown, or lost already."""
    assert not play.of(looked_at("20", 40, **slot), "slot_idle_timeout")


def test_without_a_timeout_nothing_is_invalidated() -> None:
    """0 is the default."""
    assert not play.of(looked_at("0", 40), "slot_idle_timeout")
