"""A form of a page becomes one record, however often it is sent."""

from datetime import UTC, datetime, timedelta

import pytest

from leadline.errors import UsageError
from leadline_console.actions import acknowledged, expired, noted, silenced
from leadline_console.page import Asked, NotFound
from leadline_console.pages import silences
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import fleet
from tests.unit.console.story import blocked, silence

NOW = datetime(2026, 4, 10, 3, 12, tzinfo=UTC)
ABOUT = blocked(NOW)


@pytest.fixture
def model() -> ReadModel:
    made = ReadModel()
    for value in (*fleet("orders"), *fleet("billing"), ABOUT):
        made.take(value)
    return made


def test_two_clicks_are_one_acknowledgement(model: ReadModel) -> None:
    """Also where the second reaches another console, which has not read the first."""
    first = acknowledged(model, ABOUT.incident_id, 1, "ada", NOW)
    assert acknowledged(model, ABOUT.incident_id, 1, "ada", NOW + timedelta(seconds=1)).action_id == first.action_id
    model.take(first)
    assert acknowledged(model, ABOUT.incident_id, 1, "ada", NOW + timedelta(seconds=9)) == first
    assert acknowledged(model, ABOUT.incident_id, 1, "bob", NOW).action_id != first.action_id


def test_an_acknowledgement_covers_what_its_page_showed(model: ReadModel) -> None:
    """It became worse while somebody was reading: that is not acknowledged by the click."""
    model.take(blocked(NOW, seq=2, generation=2))
    assert acknowledged(model, ABOUT.incident_id, 1, "ada", NOW).generation == 1
    assert acknowledged(model, ABOUT.incident_id, None, "ada", NOW).generation == 2
    assert acknowledged(model, ABOUT.incident_id, 99, "ada", NOW).generation == 2


def test_a_note_that_is_sent_twice_is_one_note(model: ReadModel) -> None:
    """The same words from a page that was loaded later are another note."""
    first = noted(model, ABOUT.incident_id, " ended the report ", "ada", "10:00", NOW)
    assert first.text == "ended the report"
    assert noted(model, ABOUT.incident_id, "ended the report", "ada", "10:00", NOW).action_id == first.action_id
    assert noted(model, ABOUT.incident_id, "ended the report", "ada", "10:05", NOW).action_id != first.action_id
    with pytest.raises(UsageError, match="the note is empty"):
        noted(model, ABOUT.incident_id, " \n", "ada", "", NOW)
    with pytest.raises(UsageError, match="4001 characters"):
        noted(model, ABOUT.incident_id, "x" * 4001, "ada", "", NOW)
    with pytest.raises(NotFound):
        noted(model, "inc_none", "x", "ada", "", NOW)


def test_a_silence_has_an_end_and_matches_something(model: ReadModel) -> None:
    """Mistyped names are refused with the one that was meant, as on the command line."""
    form = {"cluster": "orders", "for": "2h", "comment": "resize", "as_of": "10:00"}
    made = silenced(model, form, "ada", NOW)
    assert (made.matchers, made.ends_at - made.starts_at) == ({"cluster": "orders"}, timedelta(hours=2))
    assert silenced(model, form, "ada", NOW).silence_id == made.silence_id
    for wrong, complaint in (
        ({"cluster": "order"}, "no cluster matches 'order'; did you mean orders?"),
        ({"rule": "replicaton_lag"}, "did you mean replication_lag?"),
        ({"labels": "team"}, "'team' is no label"),
        ({"labels": "team=a team=b"}, "label.team is given twice"),
        ({"labels": "team!=a"}, "a silence cannot match what is not so"),
        ({"cluster": "~ord.*"}, "patterns are no regular expressions"),
        ({"cluster": "orders", "datacenter": "lon9"}, "no datacenter matches"),
        ({}, "no matcher is given"),
        ({"cluster": "orders", "for": "for ever"}, "choose a length"),
    ):
        with pytest.raises(UsageError, match=complaint.replace("?", r"\?")):
            silenced(model, {"for": "2h", **wrong}, "ada", NOW)
    unknown = silenced(model, {"cluster": "to-come", "for": "30m", "unknown": "1"}, "ada", NOW)
    assert unknown.matchers == {"cluster": "to-come"}


def test_the_preview_shows_what_would_be_held_back(model: ReadModel) -> None:
    """Before anything is written; what matches everything is called so."""
    page = silences.view(model, Asked({"cluster": "ord*", "labels": "team=pay*"}, NOW))
    assert page.preview is not None
    assert (page.preview.matched, page.preview.matchers) == (1, {"cluster": "ord*", "label.team": "pay*"})
    assert not page.preview.is_wide
    wide = silences.view(model, Asked({"cluster": "*"}, NOW)).preview
    assert wide is not None
    assert wide.is_wide
    refused = silences.view(model, Asked({"cluster": "ordes"}, NOW)).preview
    assert refused is not None
    assert refused.problem.startswith("no cluster matches 'ordes'; did you mean orders?")


def test_a_silence_is_ended_now(model: ReadModel) -> None:
    """One that has not begun begins and ends at once; one that is over stays as it is."""
    model.take(silence(NOW + timedelta(hours=1)))
    ended = expired(model, "sil_0123456789ab", "bob", NOW)
    assert (ended.starts_at, ended.ends_at) == (NOW, NOW)
    model.take(ended)
    assert expired(model, "sil_0123456789ab", "eve", NOW + timedelta(seconds=5)) == ended
    with pytest.raises(NotFound):
        expired(model, "sil_none", "bob", NOW)
    assert silences.view(model, Asked({}, NOW)).first_line == "No silence is active: every incident is sent."
