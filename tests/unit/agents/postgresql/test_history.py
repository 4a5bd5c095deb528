"""State between looks: ages of replies without comparing clocks, workers of logical replication."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.replication import Slot, Subscription
from leadline_agents.engines.postgresql.answers import LookAnswer, read_look
from leadline_agents.engines.postgresql.history import LogicalWorkers, ReplyAges

SERVER = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)
REPLICA = SERVER - timedelta(hours=1)  # a clock that is an hour slow


def test_skew_shows_only_until_the_first_change() -> None:
    """A slow clock on the replica does not make its replies old."""
    ages = ReplyAges()
    assert ages.update({1: REPLICA}, SERVER, 0.0) == {1: 3600.0}
    assert ages.update({1: REPLICA + timedelta(seconds=1)}, SERVER + timedelta(seconds=1), 1.0) == {1: 0.0}


def test_a_replica_that_does_not_reply_grows_old() -> None:
    """Each look without a new reply adds its time."""
    ages = ReplyAges()
    ages.update({1: REPLICA}, SERVER, 0.0)
    ages.update({1: SERVER}, SERVER, 1.0)
    assert ages.update({1: SERVER}, SERVER, 4.5) == {1: 3.5}
    assert ages.update({1: SERVER}, SERVER, 9.0) == {1: 8.0}


def test_a_replica_that_hung_before_the_agent_started_is_old_at_once() -> None:
    """Without an earlier reply the server's clock counts."""
    ages = ReplyAges()
    assert ages.update({1: SERVER - timedelta(seconds=40)}, SERVER, 0.0) == {1: 40.0}
    assert ages.update({1: SERVER - timedelta(seconds=40)}, SERVER, 2.0) == {1: 42.0}


def test_a_clock_that_is_ahead_makes_no_negative_age() -> None:
    """The replica's clock may be fast as well."""
    assert ReplyAges().update({1: SERVER + timedelta(hours=1)}, SERVER, 0.0) == {1: 0.0}


def test_a_sender_that_is_gone_is_forgotten() -> None:
    """Process ids are reused."""
    ages = ReplyAges()
    ages.update({1: SERVER}, SERVER, 0.0)
    assert ages.update({}, SERVER, 1.0) == {}
    assert ages.update({1: SERVER}, SERVER, 2.0) == {1: 0.0}


RECORDED = read_look((Path(__file__).parent / "documents" / "18-primary.json").read_bytes())
SLOT = Slot(name="s", kind="logical", database="app", active=True, active_pid=1)
SUBSCRIPTION = Subscription(name="s", database="app", pid=1, apply_errors=0)


def look(**fields: Any) -> LookAnswer:
    """A look at database app, with these slots and subscriptions only."""
    return replace(RECORDED, **{"database": "app", "slots": [], "subscriptions": [], **fields})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"slots": [SLOT]}, {"slots": [replace(SLOT, active=False, active_pid=None)]}),
        ({"slots": [SLOT]}, {"slots": [replace(SLOT, active_pid=2)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, pid=None)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, pid=2)]}),
        ({"subscriptions": [SUBSCRIPTION]}, {"subscriptions": [replace(SUBSCRIPTION, apply_errors=1)]}),
    ],
)
def test_a_worker_that_ended_or_restarted_is_noticed(before: Any, after: Any) -> None:
    """The reason may be in the tables."""
    workers = LogicalWorkers()
    assert [workers.update(look(**fields)) for fields in (before, before, after)] == [False, False, True]


def test_the_first_look_is_no_change() -> None:
    """A healthy start costs nothing; a worker that is missing then is noticed all the same."""
    assert not LogicalWorkers().update(look(slots=(SLOT,), subscriptions=(replace(SUBSCRIPTION, apply_errors=7),)))
    assert LogicalWorkers().update(look(subscriptions=(replace(SUBSCRIPTION, pid=None),)))


def test_other_databases_physical_slots_and_disabled_subscriptions_do_not_count() -> None:
    """Tables are seen in one database only; a disabled subscription has no worker on purpose."""
    workers = LogicalWorkers()
    standby = Slot(name="p", kind="physical", active=False)
    elsewhere = replace(SUBSCRIPTION, database="other", pid=None)
    off = replace(SUBSCRIPTION, enabled=False, pid=None)
    shown = look(slots=(standby, replace(SLOT, database="other", active=False)), subscriptions=(elsewhere, off))
    assert [workers.update(shown) for _ in range(2)] == [False, False]
