"""``subscription_without_worker``, and its causes."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.replication import Positions, Subscription, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

GONE: dict[str, Any] = {"pid": None, "received_lsn": None, "latest_end_lsn": None}
LOST = Subscription(name="sub", slot="sub", publications=("orders",), database="app")


def world_of(**settings: str) -> World:
    world = World(subscription_without_worker=QUICK)
    world.add("pg-3", "primary", system_id="7003").settings.update(settings)
    play.look(world, 5)
    world.send_settings()
    return world


def lose(world: World, seconds: int, **fields: Any) -> None:
    world.servers["pg-3"].set(subscriptions=(replace(LOST, **fields),))
    play.look(world, seconds)


def test_a_subscription_without_a_watched_publisher_fires() -> None:
    """Whoever serves it is not watched; only looking is proposed."""
    world = world_of()
    lose(world, 25)
    fired = play.last(world, "subscription_without_worker")
    assert (fired.to, fired.severity) == ("firing", "critical")
    assert "it needs slot sub, and no watched server has it" in fired.summary
    first = world.incidents[-1].causes[0]
    assert (first.code, first.confidence) == ("publisher_not_seen", 0.45)
    assert {step.risk for step in first.steps} == {"look"}
    lose(world, 12, pid=77, received_lsn="0/1000000")
    assert play.life(world, "subscription_without_worker") == ["pending", "firing", "resolved"]


@pytest.mark.parametrize(("retry", "fires"), [("1000", True), ("30000", False)])
def test_the_time_follows_the_servers_own_retry_interval(retry: str, fires: bool) -> None:
    """A worker that failed once is not missing before the server would have started it again."""
    world = world_of(wal_retrieve_retry_interval=retry)
    lose(world, 20)
    assert ("subscription_without_worker" in world.fired()) is fires


def test_a_worker_that_connects_has_as_long_as_the_server_gives_it() -> None:
    """Until wal_receiver_timeout; an idle publisher may not have sent anything yet."""
    world = world_of(wal_receiver_timeout="40000")
    lose(world, 35, pid=77)
    assert not world.fired()
    lose(world, 20, pid=77)
    assert "subscription_without_worker" in world.fired()


def fail_over(world: World, seconds: int, old: str, *, answers: bool) -> None:
    """pg-2 takes over; pg-1 is down, or comes back as a standby."""
    up, new, down = world.servers["pg-1"], world.servers["pg-2"], world.servers["pg-3"]
    for _ in range(seconds):
        lsn = format_lsn(world.lsn)
        new.node = replace(new.node, role="primary", timeline=2)
        new.set(positions=Positions(current_lsn=lsn), upstream=None)
        down.set(subscriptions=(replace(LOST, **GONE),))
        up.node = replace(up.node, role="standby" if answers else "primary")
        at = Positions(replayed_lsn=lsn, received_lsn=lsn)
        follows = Upstream(host="pg-2.db", port=5432, status="streaming", application_name=old)
        up.set(up=answers, positions=at, upstream=follows if answers else None, slots=(), downstreams=())
        up.set(error=None if answers else "connection refused")
        world.step()


def test_a_failover_without_the_slot_is_named_and_does_not_end_with_the_old_server() -> None:
    """It comes back as a standby, and the subscription receives nothing all the same."""
    world = World(subscription_without_worker=QUICK)
    up, new, down = world.add("pg-1", "primary"), world.add("pg-2", "standby"), world.add("pg-3", "primary")
    down.node = replace(down.node, system_id="7003")
    for _ in range(10):
        world.stream(up, new)
        world.subscribe(up, down, **{"publications": ("orders",)})
        world.step()
    fail_over(world, 25, "pg-1", answers=False)
    causes = {cause.code: cause for one in world.incidents for cause in one.causes}
    assert "pg-2 took over from pg-1" in causes["slot_lost_in_failover"].summary
    assert causes["slot_lost_in_failover"].confidence == 0.96
    fail_over(world, 25, "pg-1", answers=True)
    assert play.life(world, "subscription_without_worker") == ["pending", "firing"]


def test_a_failover_to_a_server_that_cannot_decode() -> None:
    """No slot can be created there before wal_level is changed and the server restarted."""
    world = World(subscription_without_worker=QUICK)
    up, new, down = world.add("pg-1", "primary"), world.add("pg-2", "standby"), world.add("pg-3", "primary")
    new.settings["wal_level"] = "replica"
    down.node = replace(down.node, system_id="7003")
    for _ in range(10):
        world.stream(up, new)
        world.subscribe(up, down, **{"publications": ("orders",)})
        world.step()
    world.send_settings()
    fail_over(world, 25, "pg-1", answers=False)
    (cause,) = {cause.code: cause for one in world.incidents for cause in one.causes if "slot" in cause.code}.values()
    assert "pg-2 has wal_level = replica" in cause.summary
    steps = str(cause.steps)
    assert 0 < steps.index("SET wal_level = 'logical'") < steps.index("pg_create_logical_replication_slot")


def test_a_failover_before_the_first_look_is_known_by_publication_and_timeline() -> None:
    """Less certain than one that was seen."""
    world = world_of()
    new = world.add("pg-2", "primary", timeline=2)
    new.set(publications=("orders",), database="app", positions=Positions(current_lsn="0/1000000"))
    lose(world, 25)
    first = world.incidents[-1].causes[0]
    assert (first.code, first.confidence) == ("slot_lost_in_failover", 0.86)
    assert [each.name for each in first.not_seen] == ["failover"]


def test_a_publisher_that_is_down_and_not_replaced_is_its_own_alert() -> None:
    """``node_down`` says it."""
    world = World(subscription_without_worker=QUICK)
    play.subscribe(world, 10)
    world.servers["pg-1"].set(up=False, error="connection refused")
    lose(world, 25)
    assert "subscription_without_worker" not in world.fired()


def test_the_first_look_does_not_know_since_when() -> None:
    """It fires after its time all the same, and gives no duration that nobody saw."""
    world = World(subscription_without_worker=QUICK)
    world.add("pg-3", "primary", system_id="7003")
    lose(world, 10)
    fired = play.last(world, "subscription_without_worker")
    assert fired.summary == "subscription sub on pg-3 receives nothing: it needs slot sub, and no watched server has it"
