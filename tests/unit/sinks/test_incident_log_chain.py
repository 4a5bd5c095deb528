"""The chain of the incident log detects every change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadline_sinks.incident_log.chain import (
    BEGINNING,
    ChainBreak,
    ChainLink,
    ChainVerifier,
    Row,
    StoredRow,
    append,
    canonical,
    checkpoint,
)
from tests.unit.strategies import moments

text = st.text(max_size=3)
optional = st.none() | text
rows = st.builds(
    Row,
    kind=st.sampled_from(["transition", "incident", "notification", "note"]),
    event_id=text,
    incident_id=optional,
    alert_id=optional,
    cluster=optional,
    who=optional,
    outcome=optional,
    what=text,
    at=moments,
    source=text,
    record=text,
)
NOW = datetime(2026, 4, 10, tzinfo=UTC)


def chained(given: list[Row], start: ChainLink = BEGINNING) -> list[StoredRow]:
    stored: list[StoredRow] = []
    for row in given:
        stored.append(append(stored[-1].link if stored else start, NOW, row))
    return stored


def first_break(stored: list[StoredRow], head: ChainLink, start: ChainLink = BEGINNING) -> ChainBreak | None:
    verifier = ChainVerifier(start)
    for each in stored:
        if broken := verifier.row(each):
            return broken
    return verifier.end(head)


@given(st.lists(rows, max_size=6))
def test_an_unchanged_chain_is_intact(given: list[Row]) -> None:
    """Appended rows verify, and so does an empty chain."""
    stored = chained(given)
    assert first_break(stored, stored[-1].link if stored else BEGINNING) is None


@given(st.lists(rows, min_size=1, max_size=5), st.data())
def test_a_changed_row_is_detected(given: list[Row], data: st.DataObject) -> None:
    """A different value in any column of any row breaks the chain at that row."""
    stored = chained(given)
    index = data.draw(st.integers(0, len(given) - 1))
    other = data.draw(rows.filter(lambda row: row != given[index]))
    forged = [*stored]
    forged[index] = StoredRow(stored[index].link, stored[index].recorded_at, other)
    broken = first_break(forged, stored[-1].link)
    assert broken is not None
    assert broken.number == index + 1
    forged[index] = StoredRow(stored[index].link, NOW + timedelta(microseconds=1), given[index])
    assert first_break(forged, stored[-1].link) is not None


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_a_removed_or_moved_row_is_detected(given: list[Row], data: st.DataObject) -> None:
    """A missing row, the last one included, or a moved row breaks the chain."""
    stored = chained(given)
    index = data.draw(st.integers(0, len(given) - 1))
    assert first_break(stored[:index] + stored[index + 1 :], stored[-1].link) is not None
    other = data.draw(st.integers(0, len(given) - 1).filter(lambda number: number != index))
    moved = [*stored]
    moved[index], moved[other] = moved[other], moved[index]
    assert first_break(moved, stored[-1].link) is not None


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_rehashed_rows_are_detected_at_the_head(given: list[Row], data: st.DataObject) -> None:
    """Removing a row and rehashing all later ones gives another head."""
    head = chained(given)[-1].link
    index = data.draw(st.integers(0, len(given) - 1))
    assert first_break(chained(given[:index] + given[index + 1 :]), head) is not None


@given(st.lists(rows, min_size=2, max_size=5, unique_by=lambda row: row.event_id), st.data())
def test_a_chain_that_is_written_anew_is_detected_by_a_noted_link(given: list[Row], data: st.DataObject) -> None:
    """Any link that was noted after the changed row detects it, even where the head was replaced, too."""
    index = data.draw(st.integers(0, len(given) - 1))
    noted = data.draw(st.sampled_from(chained(given)[index:])).link
    anew = chained(given[:index] + given[index + 1 :])
    verifier = ChainVerifier(BEGINNING, [noted])
    broken = [found for each in anew if (found := verifier.row(each))]
    assert broken or verifier.end(anew[-1].link)
    honest = ChainVerifier(BEGINNING, [noted])
    assert [honest.row(each) for each in chained(given)] == [None] * len(given)
    assert honest.end(chained(given)[-1].link) is None


@given(rows, rows)
def test_different_rows_have_different_bytes(one: Row, other: Row) -> None:
    """The hash covers everything in which rows differ."""
    assert (canonical(1, NOW, one) == canonical(1, NOW, other)) == (one == other)
    assert canonical(1, NOW, one) != canonical(2, NOW, one)


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_after_retention_a_checkpoint_vouches(given: list[Row], data: st.DataObject) -> None:
    """The remaining rows verify if and only if a checkpoint among them vouches for the removed ones."""
    stored = chained(given)
    through = data.draw(st.integers(1, len(given)))
    start = stored[through - 1].link
    last = append(stored[-1].link, NOW, checkpoint(start, NOW))
    left = [*stored[through:], last]
    assert first_break(left, last.link, start) is None
    assert first_break(left, last.link, ChainLink(start.number, bytes(32))) is not None
    if through < len(given):
        unvouched = first_break(stored[through:], stored[-1].link, start)
        assert unvouched is not None
        assert "no checkpoint" in unvouched.why
