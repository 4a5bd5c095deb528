"""The chain of the incident log: whoever touches it is found out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadline_sinks.incident_log.chain import (
    BEGINNING,
    Break,
    Link,
    Row,
    Verifier,
    Written,
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


def chained(given: list[Row], start: Link = BEGINNING) -> list[Written]:
    written: list[Written] = []
    for row in given:
        written.append(append(written[-1].link if written else start, NOW, row))
    return written


def first_break(written: list[Written], head: Link, start: Link = BEGINNING) -> Break | None:
    verifier = Verifier(start)
    for each in written:
        if broken := verifier.row(each):
            return broken
    return verifier.end(head)


@given(st.lists(rows, max_size=6))
def test_an_untouched_chain_holds(given: list[Row]) -> None:
    """What was appended verifies, also when nothing was."""
    written = chained(given)
    assert first_break(written, written[-1].link if written else BEGINNING) is None


@given(st.lists(rows, min_size=1, max_size=5), st.data())
def test_a_changed_row_is_found(given: list[Row], data: st.DataObject) -> None:
    """Another value in any column of any row breaks the chain at that row."""
    written = chained(given)
    index = data.draw(st.integers(0, len(given) - 1))
    other = data.draw(rows.filter(lambda row: row != given[index]))
    forged = [*written]
    forged[index] = Written(written[index].link, written[index].recorded_at, other)
    broken = first_break(forged, written[-1].link)
    assert broken is not None
    assert broken.number == index + 1
    forged[index] = Written(written[index].link, NOW + timedelta(microseconds=1), given[index])
    assert first_break(forged, written[-1].link) is not None


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_a_removed_or_moved_row_is_found(given: list[Row], data: st.DataObject) -> None:
    """A row that is missing anywhere, the end among it, or stands elsewhere breaks the chain."""
    written = chained(given)
    index = data.draw(st.integers(0, len(given) - 1))
    assert first_break(written[:index] + written[index + 1 :], written[-1].link) is not None
    other = data.draw(st.integers(0, len(given) - 1).filter(lambda number: number != index))
    moved = [*written]
    moved[index], moved[other] = moved[other], moved[index]
    assert first_break(moved, written[-1].link) is not None


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_rehashing_what_follows_is_found_at_the_head(given: list[Row], data: st.DataObject) -> None:
    """Who drops a row and makes all the hashes after it anew cannot make the head that somebody wrote down."""
    head = chained(given)[-1].link
    index = data.draw(st.integers(0, len(given) - 1))
    assert first_break(chained(given[:index] + given[index + 1 :]), head) is not None


@given(st.lists(rows, min_size=2, max_size=5, unique_by=lambda row: row.event_id), st.data())
def test_a_log_written_anew_does_not_have_the_head_that_was_known(given: list[Row], data: st.DataObject) -> None:
    """Who makes the whole chain anew, its head too, is found by any link that somebody wrote down after the change."""
    index = data.draw(st.integers(0, len(given) - 1))
    known = data.draw(st.sampled_from(chained(given)[index:])).link
    anew = chained(given[:index] + given[index + 1 :])
    verifier = Verifier(BEGINNING, known)
    broken = [found for each in anew if (found := verifier.row(each))]
    assert broken or verifier.end(anew[-1].link)
    honest = Verifier(BEGINNING, known)
    assert [honest.row(each) for each in chained(given)] == [None] * len(given)
    assert honest.end(chained(given)[-1].link) is None


@given(rows, rows)
def test_rows_that_differ_have_other_bytes(one: Row, other: Row) -> None:
    """No two rows are the same to the hash."""
    assert (canonical(1, NOW, one) == canonical(1, NOW, other)) == (one == other)
    assert canonical(1, NOW, one) != canonical(2, NOW, one)


@given(st.lists(rows, min_size=2, max_size=5), st.data())
def test_after_retention_the_chain_begins_at_a_checkpoint(given: list[Row], data: st.DataObject) -> None:
    """What is left holds if a checkpoint in it vouches for what is gone, and only then."""
    written = chained(given)
    through = data.draw(st.integers(1, len(given)))
    start = written[through - 1].link
    last = append(written[-1].link, NOW, checkpoint(start, NOW))
    left = [*written[through:], last]
    assert first_break(left, last.link, start) is None
    assert first_break(left, last.link, Link(start.number, bytes(32))) is not None
    if through < len(given):
        unvouched = first_break(written[through:], written[-1].link, start)
        assert unvouched is not None
        assert "no checkpoint" in unvouched.why
