"""The next link to compare, the contents of a record, and the parts of a key that may be in it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.clock import ManualClock
from leadline.model.ids import LinkId
from leadline.model.verification import MOST_TABLES, TableVerification, Verification
from leadline.settings.secret import Secret
from leadline.settings.verify import BudgetSettings, Keys, VerifiedLinkSettings
from leadline.wire import MAX_RECORD_BYTES, encode
from leadline_verify.limits import parse_window
from leadline_verify.outcome import RowFinding, TableResult, UndecidedPart, VerifyReport
from leadline_verify.scheduled import record
from leadline_verify.scheduled.comparison import LONGEST_WAIT_S, ServerComparison
from leadline_verify.scheduled.masking import key_in_words
from leadline_verify.scheduled.positions import PositionFiles
from leadline_verify.scheduled.schedule import RETRY_S, KnownLink, TableState, next_turn

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def link(**changed: Any) -> VerifiedLinkSettings:
    given = {"cluster": "orders", "upstream": "pg-1", "downstream": "pg-4", "subscription": "sub"}
    dsns = {"upstream_dsn": Secret("host=a"), "downstream_dsn": Secret("host=b")}
    return VerifiedLinkSettings(**{**given, **dsns, **changed})


def known(**tables: TableState) -> Mapping[LinkId, KnownLink]:
    return {link().link: KnownLink(tables, NOW)}


def ago(days: float) -> datetime:
    return NOW - days * DAY


def test_the_tables_are_listed_first() -> None:
    """Nothing is known of a new link."""
    assert next_turn([link()], {}, NOW, 60).table == ""


def test_the_oldest_proof_comes_first() -> None:
    """A table that was never proven is before all others."""
    states = {"a": TableState(ago(3), ago(3)), "b": TableState(ago(2), ago(5)), "c": TableState(ago(9), ago(4))}
    assert next_turn([link()], known(**states), NOW, 60).table == "b"
    assert next_turn([link()], known(**states, d=TableState(ago(2))), NOW, 60).table == "d"


def test_nothing_is_compared_before_it_is_due() -> None:
    """The wait ends when the first is due, and is never longer than asked for."""
    states = known(a=TableState(NOW - timedelta(seconds=86390), NOW), b=TableState(NOW, NOW))
    assert next_turn([link()], states, NOW, 60).wait_s == 10
    assert next_turn([link()], known(b=TableState(NOW, NOW)), NOW, 60).wait_s == 60


def test_what_was_not_decided_is_tried_again_sooner() -> None:
    """But not at once."""
    last = TableState(NOW - timedelta(seconds=RETRY_S - 1), ago(9), decided=False)
    assert next_turn([link()], known(a=last), NOW, 60).wait_s == 1
    assert next_turn([link()], known(a=last), NOW + timedelta(seconds=1), 60).table == "a"


def test_a_link_that_cannot_be_read_does_not_stop_the_others() -> None:
    """It is tried again later."""
    other = link(downstream="pg-5")
    states = {link().link: KnownLink({}, NOW, failed=True), other.link: KnownLink({"a": TableState()}, NOW)}
    turn = next_turn([link(), other], states, NOW, 60)
    assert (turn.link, turn.table) == (other, "a")


def test_definitions_are_compared_each_minute_before_a_cut_over() -> None:
    """Otherwise each hour, with the list of tables."""
    for seconds, cut_over in ((3600, False), (60, True)):
        states = known(a=TableState(NOW, NOW))
        turn = next_turn([link(cut_over=cut_over)], states, NOW, 10_000)
        assert (turn.link, turn.wait_s) == (None, seconds)
        turn = next_turn([link(cut_over=cut_over)], states, NOW + timedelta(seconds=seconds), 60)
        assert (turn.link is not None, turn.table) == (True, "")


@pytest.mark.parametrize(
    ("begin", "end", "hour", "is_open"),
    [(0, 24, 12, True), (22, 6, 23, True), (22, 6, 5, True), (22, 6, 6, False), (1, 5, 12, False), (1, 5, 1, True)],
)
def test_hours(begin: int, end: int, hour: int, is_open: bool) -> None:
    """A window may pass midnight; outside of it the next one is waited for."""
    now = NOW.replace(hour=hour)
    states = {link().link: KnownLink({"a": TableState()}, now)}
    turn = next_turn([link(from_hour=begin, to_hour=end)], states, now, 10 * 86400)
    assert (turn.link is not None) is is_open
    if not is_open:
        assert (now + timedelta(seconds=turn.wait_s)).hour == begin


@pytest.mark.parametrize(
    ("value", "keys", "shown"),
    [
        ("5", "masked", "id=5"),
        ("-1.50", "masked", "id=-1.50"),
        ("3f2c9d1e-0000-4000-8000-1234567890ab", "masked", "id=3f2c9d1e-0000-4000-8000-1234567890ab"),
        ("2026-11-30 12:00:00+00", "masked", "id=2026-11-30 12:00:00+00"),
        ("ada@example.org", "masked", "id=?"),
        ("12 High Street", "masked", "id=?"),
        ("ada@example.org", "full", "id=ada@example.org"),
        (None, "masked", "id=NULL"),
        ("5", "off", None),
    ],
)
def test_keys(value: str | None, keys: Keys, shown: str | None) -> None:
    """Numbers, dates and UUIDs name nobody by themselves."""
    assert key_in_words({"id": value}, keys) == shown


def reported(state: str, rows: int = 10, at: datetime = NOW, **more: Any) -> VerifyReport:
    found = tuple(
        RowFinding(table='"public"."a"', key={"id": str(key)}, kind="missing", confirmed_at=at)
        for key in range(more.pop("found", 0))
    )
    canary = more.pop("canary", "found")
    result = TableResult(
        table='"public"."a"',
        downstream_table='"public"."a"',
        state=state,
        rows_upstream=rows,
        **{"chunks": 1, **more},  # type: ignore[arg-type]
    )
    return VerifyReport(
        upstream="pg-1",
        downstream="pg-4",
        link_kind="logical",
        database="app",
        started_at=at - timedelta(seconds=5),
        ended_at=at,
        tables=(result,),
        differences=found,
        canary=canary,
    )


def begun(*tables: str) -> Verification:
    return record.with_tables(record.begun(link(), ago(30)), tables or ("public.a",))


def after(last: Verification, report: VerifyReport) -> Verification:
    return record.with_report(last, report, "run", "masked")


def test_a_link_is_proven_when_all_of_its_tables_are() -> None:
    """The age of the proof is that of the oldest, from the beginning of its comparison."""
    one = after(begun("public.a", "public.b"), reported("equal"))
    assert (one.outcome, one.equal_at) == ("undecided", None)
    both = replace(one, tables=[each for each in one.tables if each.table == "public.a"])
    assert after(both, reported("equal", at=ago(1))).equal_at == ago(1) - timedelta(seconds=5)


def test_a_difference_stays_until_its_table_is_compared_again() -> None:
    """An error, or a comparison of another table, does not end it."""
    found = after(begun(), reported("different", differing_rows=3, found=2))
    assert found.outcome == "different"
    (difference,) = found.differences
    assert (difference.missing, difference.unlisted, difference.rows, difference.first[0].key) == (2, 1, 3, "id=0")
    assert record.failed(found, "no connection", NOW).differences == [difference]
    assert after(found, reported("equal")).differences == []


def test_a_blind_comparison_proves_nothing() -> None:
    """Its table keeps the age that it had; the next one with a planted difference that is found ends that."""
    proven = after(begun(), reported("equal", at=ago(2)))
    blind = after(proven, reported("equal", canary="missed"))
    assert (blind.canary, blind.equal_at) == ("missed", proven.equal_at)
    assert after(blind, reported("equal", rows=0, canary="not_planted")).canary == "missed"
    assert after(blind, reported("equal")).canary == "found"


def test_chunks_are_counted_by_their_outcome() -> None:
    """Each of them once, however many rows of it differ."""
    found = after(
        begun(), reported("different", chunks=9, chunks_different=3, chunks_undecided=2, differing_rows=40, found=40)
    )
    chunks = found.tables[0].chunks
    assert (chunks.matching, chunks.different, chunks.undecided) == (4, 3, 2)


def test_nothing_undecided_is_covered() -> None:
    """Also where every row was seen; the reasons are counted."""
    part = UndecidedPart(after="", up_to="", reason="the downstream did not come as far")
    found = after(begun(), reported("undecided", undecided=(part, part)))
    (table,) = found.tables
    assert table.coverage < 1
    assert table.undecided == {"the downstream did not come as far": 2}
    assert found.outcome == "undecided"


def test_a_table_that_is_refused_leaves_the_link_unproven() -> None:
    """The reason is in its record."""
    found = after(begun(), reported("not_compared", reason="it has no key"))
    assert found.tables[0].refused == "it has no key"
    assert (found.outcome, found.equal_at) == ("undecided", None)


def test_tables_that_are_gone_are_dropped() -> None:
    """New ones begin without a proof."""
    found = record.with_tables(after(begun(), reported("equal")), ["public.b"])
    assert [(each.table, each.equal_at) for each in found.tables] == [("public.b", None)]


def test_a_record_fits_its_topic() -> None:
    """However many tables there are; those that differ are not left out."""
    last = after(
        begun("public.a", *(f"public.t{number:05d}{'x' * 200}" for number in range(5000))),
        reported("different", differing_rows=1, found=1),
    )
    fits = record.fitting(last)
    assert len(encode(fits)) <= MAX_RECORD_BYTES
    assert len(fits.tables) <= MOST_TABLES
    assert fits.tables[0].table == "public.a"
    assert len(fits.tables) + fits.tables_left_out == 5001
    assert record.fitting(begun()) == begun()


def test_names_are_as_people_write_them() -> None:
    """Quotes inside of a name are its own."""
    assert record.plain_name('"public"."odd ""name"""') == 'public.odd "name"'
    assert TableVerification(table="public.a").coverage == 0


def test_a_link_is_compared_within_the_budget_and_the_hours_of_the_settings(tmp_path: Path) -> None:
    """Every limit of the settings is one of the run; what is not finished then is gone on with from its file."""
    budget = BudgetSettings(rows_per_s=500, max_lag_s=7, pause_lag_s=9, max_active=3, max_duration_s=60)
    files = PositionFiles(str(tmp_path))
    files.begin(0)
    comparison = ServerComparison(budget, ManualClock(NOW), files)
    request = comparison.request(link(from_hour=22, to_hour=6), "public.a")
    limits = request.limits
    assert (limits.max_rows_per_s, limits.max_lag_s, limits.pause_lag_s) == (500, 7, 9)
    assert (limits.max_active, limits.max_duration_s, limits.max_wait_s) == (3, 60, LONGEST_WAIT_S)
    assert (str(limits.window), limits.ends_with_window) == (str(parse_window("22:00-06:00")), True)
    assert (request.resume, request.resume_must_fit) == (files.file(link().link, "public.a"), False)
    assert request.tables == ("public.a",)
    assert comparison.request(link(), "public.a").limits.window is None
