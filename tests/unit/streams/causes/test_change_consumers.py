"""A publisher whose slot is read by a program without an agent."""

import pytest

from leadline.model.incident import Cause
from leadline.model.replication import Downstream, Positions, Slot
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.physical import RULES_SOON
from tests.unit.streams.world import World


def publisher(**rules: dict[str, float]) -> World:
    """A busy primary, and nobody else who is watched."""
    world = World(**{**RULES_SOON, **rules})
    world.add("pg-1", "primary")
    return world


def consume(world: World, seconds: int, *, every_s: int = 0, connected_s: float = 0.0, **row: object) -> None:
    """Let time pass while the program receives all there is, and confirms every so many seconds, or never."""
    server, confirmed = world.servers["pg-1"], world.lsn
    for second in range(seconds):
        if every_s and second % every_s == 0:
            confirmed = world.lsn
        end, flushed = format_lsn(world.lsn), format_lsn(confirmed)
        sender = {"pid": 61, "address": "10.0.0.7", "sent_lsn": end, "write_lsn": end, "reply_age_s": 0.4, **row}
        if every_s:
            sender["flush_lsn"] = flushed
        server.set(
            positions=Positions(current_lsn=end),
            downstreams=(
                Downstream(
                    name="cdc-orders",
                    kind="logical",
                    slot="cdc",
                    state="streaming",
                    connected_s=connected_s + second,
                    **sender,  # type: ignore[arg-type]
                ),
            ),
            slots=(
                Slot(
                    name="cdc",
                    kind="logical",
                    plugin="pgoutput",
                    active=True,
                    active_pid=61,
                    restart_lsn=flushed,
                    confirmed_lsn=flushed,
                    retained_bytes=world.lsn - confirmed,
                    wal_status="reserved",
                ),
            ),
        )
        world.step()


def named(world: World) -> Cause:
    assert world.causes, "no cause was named"
    return world.causes[0]


def test_a_consumer_that_confirms_nothing() -> None:
    """It is named with its address, and what is proposed keeps its slot."""
    world = publisher()
    consume(world, 45)
    cause = named(world)
    assert (cause.code, cause.confidence) == ("slot_consumer_stuck", 0.9)
    assert cause.summary.startswith("cdc-orders at 10.0.0.7 (pid 61) is connected to slot cdc on pg-1, is sent changes")
    assert "replies, and has confirmed nothing since it connected" in cause.summary
    assert {step.risk for step in cause.steps} == {"look", "careful"}
    assert "drop" not in str(cause.steps)


def test_a_consumer_that_does_not_reply() -> None:
    world = publisher()
    consume(world, 10, every_s=5)
    consume(world, 60, reply_age_s=50.0)
    assert "does not reply" in named(world).summary
    assert named(world).confidence == 0.8


def test_a_sender_that_sends_nothing_is_not_the_consumers_fault() -> None:
    """It decodes, or is held back for a standby."""
    for row in ({"sent_lsn": format_lsn(1 << 24)}, {"wait": "IPC/WaitForStandbyConfirmation"}):
        world = publisher()
        consume(world, 45, **row)
        assert "slot_consumer_stuck" not in {cause.code for cause in world.causes}


@pytest.mark.parametrize("every_s", [5, 20, 60])
def test_a_consumer_that_confirms_periodically(every_s: int) -> None:
    """With the default rules nothing fires, from the first look on: how often it confirms is its own affair."""
    world = World()
    world.add("pg-1", "primary")
    consume(world, 400, every_s=every_s)
    assert not world.fired()


def test_a_consumer_that_stops_confirming() -> None:
    """It took up to 20 s before: then longer than that is noticed, and not earlier."""
    world = publisher(replication_lag_bytes={"warning": 1e9, "for_s": 5.0})
    consume(world, 100, every_s=20)
    assert not world.fired()
    consume(world, 45)
    assert named(world).code == "slot_consumer_stuck"


def test_a_connection_in_which_nothing_was_ever_confirmed() -> None:
    """The server shows it at the first look: nothing is waited for."""
    world = publisher()
    consume(world, 18, connected_s=600.0)
    assert named(world).code == "slot_consumer_stuck"
    assert "since it connected 10 min" in named(world).summary
