"""``slot_lost``."""

import pytest

from leadline.model.replication import Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


@pytest.mark.parametrize(
    ("slot", "severity", "words"),
    [
        (Slot(name="s9", wal_status="unreserved", safe_wal_bytes=-88), "warning", "is lost at the next checkpoint"),
        (Slot(name="s9", wal_status="lost"), "critical", "is lost (wal_removed)"),
        (Slot(name="s9", wal_status="lost", invalidation_reason="rows_removed"), "critical", "(rows_removed)"),
        (Slot(name="s9", invalidation_reason="idle_timeout", restart_lsn="0/1000000"), "critical", "(idle_timeout)"),
        (Slot(name="s9", kind="logical", conflicting=True), "critical", "(conflicting)"),
    ],
    ids=["unreserved", "13", "17", "18", "16 on a standby"],
)
def test_a_slot_that_cannot_serve_fires(slot: Slot, severity: str, words: str) -> None:
    """As each version says it."""
    world = World(slot_lost=QUICK)
    world.add("pg-1", "primary").set(slots=(slot,))
    play.look(world, 10)
    fired = play.last(world, "slot_lost")
    assert (fired.to, fired.severity) == ("firing", severity)
    assert words in fired.summary


def test_a_slot_that_goes_from_unreserved_to_lost_keeps_its_identity() -> None:
    """The warning becomes critical; it is the same alert."""
    world = World(slot_lost=QUICK)
    up = world.add("pg-1", "primary")
    for status in ("unreserved", "lost"):
        up.set(slots=(Slot(name="s9", wal_status=status),))
        play.look(world, 10)
    alerts = play.of(world, "slot_lost")
    assert [(t.to, t.severity) for t in alerts] == [
        ("pending", "warning"),
        ("firing", "warning"),
        ("firing", "critical"),
    ]
    assert len({t.alert_id for t in alerts}) == 1


def test_the_slot_of_a_session_is_nobody_elses() -> None:
    """A temporary slot goes with its session, lost or not."""
    world = World(slot_lost=QUICK)
    world.add("pg-1", "primary").set(slots=(Slot(name="tmp", temporary=True, wal_status="lost"),))
    play.look(world, 10)
    assert world.transitions == []
