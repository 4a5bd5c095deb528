"""Two sets of limits on one recording."""

from typing import Any

from leadline_streams.judge.policy import Policy
from leadline_streams.replay import Replay
from leadline_streams.rule_diff import RuleDiff, rule_diff
from tests.unit.streams.explain.recorded import Behind, Film, streams

STALLED = {"replication_stalled": {"for_s": 10.0, "keep_s": 5.0}}


def compared(film: Film, before: dict[str, Any], after: dict[str, Any]) -> RuleDiff:
    """The recording under two policies; only the rules that are given are on."""
    off = {name: {"enabled": False} for name in ("replication_lag", "lag_forecast", "replication_lag_bytes")}
    runs = [Replay(Policy(rules=off | rules)).run(film.records) for rules in (before, after)]
    return rule_diff(*runs)


def kinds(found: RuleDiff) -> list[str]:
    """The kinds of its differences, in their order."""
    return [each.kind for each in found.differences]


def test_the_same_limits_differ_in_nothing() -> None:
    """All firings are alike."""
    found = compared(Film().run(20, streams).run(40, Behind()), STALLED, STALLED)
    assert (found.differences, found.same, found.firings, found.incidents) == ([], 1, (1, 1), (1, 1))


def test_a_longer_wait_fires_later() -> None:
    """By the difference of the waits."""
    later = {"replication_stalled": {"for_s": 25.0, "keep_s": 5.0}}
    found = compared(Film().run(20, streams).run(60, Behind()), STALLED, later)
    (only,) = found.differences
    assert (only.kind, round(only.by_s)) == ("later", 15)
    assert kinds(compared(Film().run(20, streams).run(60, Behind()), later, STALLED)) == ["earlier"]


def test_what_is_lost_comes_before_what_is_won() -> None:
    """A short stall that does not fire any more is what nobody would be notified of."""
    film = Film().run(20, streams).run(20, Behind()).run(40, streams)
    film.run(3, streams)
    other = {
        "replication_stalled": {"enabled": False},
        "replication_lag": {"warning": 5.0, "for_s": 5.0, "keep_s": 5.0},
    }
    found = compared(film, STALLED, other)
    assert kinds(found) == ["less", "more"]
    assert found.differences[0].before is not None
    assert found.differences[0].before.rule == "replication_stalled"
    assert found.differences[0].by_s > 0


def test_a_lower_critical_limit_is_severer() -> None:
    """The time is the same."""
    severe = {"replication_stalled": {"for_s": 10.0, "keep_s": 5.0, "critical": 6.0}}
    found = compared(Film().run(20, streams).run(40, Behind()), STALLED, severe)
    assert "severer" in kinds(found)
    assert "milder" in kinds(compared(Film().run(20, streams).run(40, Behind()), severe, STALLED))


def test_what_stays_longer_is_named() -> None:
    """A longer time until it resolves."""
    film = Film().run(20, streams).run(20, Behind()).run(60, streams)
    stays = {"replication_stalled": {"for_s": 10.0, "keep_s": 25.0}}
    assert kinds(compared(film, STALLED, stays)) == ["longer"]
