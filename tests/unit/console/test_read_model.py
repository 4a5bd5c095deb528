"""The fold of the console: the newest of everything, in bounded memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from leadline.model.action import Action
from leadline.model.alert import Subject
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline_console.newest import Newest
from leadline_console.read_model import STALE_S, FeedState, ReadModel
from tests.fixtures.console_story import STALLED, incident, rollups, story, transition
from tests.fixtures.console_values import link, node

T = datetime(2026, 11, 30, 12, tzinfo=UTC)


def filled(*values: Any) -> ReadModel:
    model = ReadModel()
    for value in values:
        model.take(value)
    return model


def test_an_incident_moves_when_it_is_resolved() -> None:
    model = filled(incident(incident_id="i", seq=1), incident(incident_id="i", seq=2, state="resolved"))
    assert "i" not in model.open_incidents
    assert model.resolved_incidents.get("i") is not None
    model.take(incident(incident_id="i", seq=3))
    assert "i" in model.open_incidents
    assert "i" not in model.resolved_incidents


def test_an_older_record_changes_nothing() -> None:
    model = filled(incident(incident_id="i", seq=5, title="new"), incident(incident_id="i", seq=4, title="old"))
    assert model.open_incidents.get("i").title == "new"  # type: ignore[union-attr]


def test_an_alert_ends_with_its_last_transition() -> None:
    about = Subject(kind="link", id=STALLED)
    model = filled(transition("replication_stalled", about))
    assert len(model.alerts) == 1
    model.take(transition("replication_stalled", about, seq=1, to="firing"))
    model.take(transition("replication_stalled", about, seq=3, from_="firing", to="resolved"))
    assert len(model.alerts) == 0


def test_a_tombstone_removes_a_link_with_its_lags() -> None:
    model = filled(link("orders", "pg-1", "pg-2"), *rollups("orders", "pg-1", "pg-2", 1.0, hours=1))
    model.forget("status", STALLED)
    assert STALLED not in model.links
    assert STALLED not in model.lags


def test_the_same_action_is_kept_once() -> None:
    given = Action(action_id="a", incident_id=IncidentId("i"), kind="note", by="ann", at=T)
    model = filled(given, given)
    assert list(model.actions.get("i") or ()) == [given]


def test_deliveries_are_kept_by_target_and_removed_by_key() -> None:
    def sent(target: str, seq: int) -> Delivery:
        return Delivery(
            incident_id=IncidentId("i"), target=target, sink="slack", outcome="sent", at=T, seq=seq, occasion="opened",
            severity="critical", state="open",
        )  # fmt: skip

    model = filled(sent("slack", 1), sent("pagerduty", 1), sent("slack", 2))
    assert {name: each.seq for name, each in (model.deliveries.get("i") or {}).items()} == {"slack": 2, "pagerduty": 1}
    model.forget("deliveries", "i/slack")
    assert list(model.deliveries.get("i") or {}) == ["pagerduty"]


def test_silences_come_and_go() -> None:
    silence = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=T, ends_at=T, created_by="ann")
    model = filled(silence)
    assert "s" in model.silences
    model.forget("silences", "s")
    assert "s" not in model.silences


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    kept: Newest[int, int] = Newest(3)
    for number in range(5):
        kept.put(number, number)
    kept.put(2, 20)
    assert list(kept.values()) == [3, 4, 20]
    assert kept.left_out == 2


def test_the_newest_event_time_is_known() -> None:
    model = filled(node("orders", "pg-1", at=T), link("orders", "pg-1", "pg-2", at=T - timedelta(seconds=5)))
    assert model.judged_at == T


def test_every_value_of_a_story_is_taken() -> None:
    model = filled(*story())
    assert model.version == len(story())
    assert len(model.links) == 13


def test_a_silent_judgement_is_noticed_and_an_idle_node_is_not_taken_for_one() -> None:
    model = ReadModel()
    assert not model.is_silent(T)
    model.take(node("orders", "pg-1", at=T))
    assert not model.is_silent(T + timedelta(minutes=6))
    (window, *_) = rollups("orders", "pg-1", "pg-2", 1.0, hours=1)
    model.take(window)
    assert not model.is_silent(window.end + timedelta(seconds=50))
    assert model.is_silent(window.end + timedelta(seconds=70))


@pytest.mark.parametrize(("alive_at", "stale"), [(None, True), (100.0 - STALE_S, False), (99.9 - STALE_S, True)])
def test_a_feed_is_stale_after_five_seconds(alive_at: float | None, stale: bool) -> None:
    assert FeedState(alive_at=alive_at).is_stale(100.0) is stale


def test_a_day_of_lags_takes_few_points() -> None:
    model = filled(*rollups("orders", "pg-1", "pg-2", 10.0))
    history = model.lags.get(STALLED)
    assert history is not None
    now = model.judged_at.timestamp() if model.judged_at else 0.0
    assert 350 <= len(history.points("hour", now)) <= 362
    day = history.points("day", now)
    assert 285 <= len(day) <= 290
    assert max(each.lag_s for each in day) == pytest.approx(20.0, rel=0.1)


def test_a_window_of_which_no_lag_is_known_is_a_gap() -> None:
    (value, *_) = rollups("orders", "pg-1", "pg-2", 10.0, hours=1)
    model = filled(msgspec.structs.replace(value, lag_max_s=None))
    (point,) = (model.lags.get(STALLED)).points("day", value.end.timestamp() + 60)  # type: ignore[union-attr]
    assert point.lag_s != point.lag_s
