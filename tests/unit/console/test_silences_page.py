"""The page of silences: what they hold back now, and what they held back so far."""

from datetime import UTC, datetime

from msgspec.structs import replace

from leadline_console.page import Asked
from leadline_console.pages import incident as incident_page
from leadline_console.pages import silences
from leadline_console.read_model import ReadModel
from leadline_sinks.notify.silence_announcements import SilenceAnnouncements
from tests.fixtures.console_values import fleet
from tests.unit.console.story import blocked, delivery, silence

NOW = datetime(2026, 4, 10, 3, 12, tzinfo=UTC)


def model(*values: object) -> ReadModel:
    made = ReadModel()
    for value in (*fleet("orders"), *values):
        made.take(value)  # type: ignore[arg-type]
    return made


def test_what_it_held_back_so_far_is_counted_by_incident() -> None:
    """An incident that was held back from two targets is one; one that has ended meanwhile still counts."""
    quiet = silence(NOW, matchers={"cluster": "orders"})
    here, over = blocked(NOW), blocked(NOW, cluster="billing")
    held = [
        replace(delivery(each), outcome="suppressed", reason=quiet.silence_id, target=target)
        for each in (here, over)
        for target in ("slack", "email")
    ]
    made = model(quiet, here, over, *held, replace(over, seq=2, state="resolved", resolved_at=NOW))
    (row,) = silences.view(made, Asked({}, NOW)).rows
    assert (row.holds_back, row.held_back, row.announcement) == (1, 2, "")


def test_the_record_of_an_announcement_shows_what_is_held_back() -> None:
    """While it is open from the deliveries, and after it from the record; it asks for no acknowledgement."""
    quiet = silence(NOW, matchers={"cluster": "*"}, created_by="ada")
    found = SilenceAnnouncements()
    here = blocked(NOW)
    found.observe_silence(quiet.silence_id, quiet)
    found.due(NOW)
    (begun,) = found.due(replace(quiet, starts_at=NOW).starts_at.replace(second=5))
    held = replace(delivery(here), outcome="suppressed", reason=quiet.silence_id)
    made = model(quiet, here, begun, held)
    (row,) = silences.view(made, Asked({}, NOW)).rows
    assert row.announcement == begun.incident_id
    page = incident_page.view(made, Asked({"id": begun.incident_id}, NOW))
    assert page.announced is not None
    assert page.announced.summary == "1 incident was held back, and goes on"
    assert [each.incident_id for each in page.announced.held] == [here.incident_id]
    assert page.announced.command == f"leadline silence expire {quiet.silence_id}"
    assert page.silence is None  # no silence holds it back, although its pattern is *
    found.observe_incident(here)
    found.observe_delivery(held)
    (over,) = found.due(quiet.ends_at)
    made.take(over)
    ended = incident_page.view(made, Asked({"id": begun.incident_id}, quiet.ends_at)).announced
    assert ended is not None
    assert (ended.summary, ended.command) == ("1 incident was held back, and goes on", "")
    assert [each.incident_id for each in ended.held] == [here.incident_id]
