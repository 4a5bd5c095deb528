"""The age of a reply is told without comparing clocks."""

from datetime import UTC, datetime, timedelta

from leadline_agents.engines.postgresql.replies import ReplyAges

SERVER = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)
REPLICA = SERVER - timedelta(hours=1)  # a clock that is an hour slow


def test_skew_shows_only_until_the_first_change() -> None:
    """A slow clock on the replica makes no old replies."""
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


def test_a_replica_that_hangs_since_before_the_agent_came_is_old_at_once() -> None:
    """With nothing else to go by the server's clock counts."""
    ages = ReplyAges()
    assert ages.update({1: SERVER - timedelta(seconds=40)}, SERVER, 0.0) == {1: 40.0}
    assert ages.update({1: SERVER - timedelta(seconds=40)}, SERVER, 2.0) == {1: 42.0}


def test_a_clock_that_is_ahead_makes_no_negative_age() -> None:
    """The replica's clock may be fast as well."""
    assert ReplyAges().update({1: SERVER + timedelta(hours=1)}, SERVER, 0.0) == {1: 0.0}


def test_a_sender_that_is_gone_is_forgotten() -> None:
    """Process ids are used again."""
    ages = ReplyAges()
    ages.update({1: SERVER}, SERVER, 0.0)
    assert ages.update({}, SERVER, 1.0) == {}
    assert ages.update({1: SERVER}, SERVER, 2.0) == {1: 0.0}
