"""The report of a run as lines of text, for a terminal of 80 columns. Pure."""

import textwrap
from collections.abc import Iterator

from leadline.words import duration
from leadline_verify.outcome import RowFinding, TableResult, VerifyReport

WIDTH = 80
MOST_TEXT = 200
"""Characters of a value that are shown."""
MOST_ROWS = 10
"""Differing rows of one table that are shown; --keys has all."""
HEADINGS = {"different": "DIFFERENT", "undecided": "UNDECIDED", "not_compared": "NOT COMPARED"}
SELF_PROOF = {
    "found": "The difference that the run planted in its own computation was found.",
    "missed": "THE CHECKER IS BLIND: it missed the difference that it planted itself.",
    "not_planted": "The run could not plant a difference of its own: nothing proves that it finds one.",
}


def summary_lines(report: VerifyReport) -> Iterator[str]:
    """The answer first, then each table that is not equal, then what the answer rests on."""
    yield _headline(report)
    for state, heading in HEADINGS.items():
        for table in report.tables:
            if table.state == state:
                yield ""
                yield from _table(heading, table, [row for row in report.differences if row.table == table.table])
    yield ""
    equal = [table for table in report.tables if table.state == "equal"]
    if equal and not report.blind:
        rows = sum(table.rows_upstream for table in equal)
        yield f"equal: {len(equal)} table{'s' * (len(equal) != 1)}, {rows:,} rows"
    yield from _noted(equal)
    chunks = sum(table.chunks for table in report.tables)
    transient = sum(table.chunks_differed_at_first for table in report.tables)
    took_s = (report.ended_at - report.started_at).total_seconds()
    rows = sum(table.rows_upstream for table in report.tables)
    yield f"compared: {rows:,} rows in {chunks:,} chunks, {duration(took_s)}"
    if transient:
        yield f"{transient:,} chunk{'s' * (transient != 1)} differed at the first look, as traffic makes them do"
    if any(table.chunks for table in report.tables) or report.blind:
        yield from _wrapped("", SELF_PROOF[report.canary])
    yield from _definitions(report)
    yield from _pages(report)
    yield from _wrapped("not covered: ", "; ".join(report.not_covered))
    if report.ended_early:
        yield from _wrapped("ended early: ", report.ended_early)


def _definitions(report: VerifyReport) -> Iterator[str]:
    """Beyond rows: the definitions that break replication first, then sequences."""
    for each in report.schema_differences[:MOST_ROWS]:
        head = "BREAKS REPLICATION: " if each.breaks else "definition: "
        yield from _wrapped(head, f"{each.table}: {each.detail}")
    if (more := len(report.schema_differences) - MOST_ROWS) > 0:
        yield f"and {more} more differences of definitions"
    if behind := report.sequences_behind:
        named = ", ".join(
            f"{each.sequence} ({'never used' if each.downstream_value is None else each.downstream_value}, there "
            f"{each.upstream_value})"
            for each in behind[:MOST_ROWS]
        )
        rest = f", and {len(behind) - MOST_ROWS} more" if len(behind) > MOST_ROWS else ""
        yield from _wrapped("sequences behind: ", f"{named}{rest}: set them in a cut-over")


def _pages(report: VerifyReport) -> Iterator[str]:
    """Damaged pages first, with what the upstream shows of them; then what was checked, and what was not."""
    pages = report.pages
    if pages is None:
        return
    for each in pages.damaged[:MOST_ROWS]:
        place = f", {each.place}" if each.place else ""
        upstream = {
            True: f"{report.upstream} has the same damage, which a new copy of it would bring along",
            False: f"{report.upstream} does not have it: the files of {report.downstream} are damaged",
            None: f"whether {report.upstream} has it could not be seen",
        }[each.on_upstream]
        yield from _wrapped("DAMAGED ", f"{each.relation}{place}: {each.message}; {upstream}")
    if (more := len(pages.damaged) - MOST_ROWS) > 0:
        yield f"and {more} more damaged places; --format json has all"
    if pages.version:
        tables = f"{pages.tables} table{'s' * (pages.tables != 1)}"
        indexes = f"{pages.indexes} index{'es' * (pages.indexes != 1)}"
        yield from _wrapped("pages: ", f"{tables} and {indexes} of {report.downstream}, by amcheck {pages.version}")
    for line in pages.not_checked[:MOST_ROWS]:
        yield from _wrapped("pages not checked: ", line)
    if (more := len(pages.not_checked) - MOST_ROWS) > 0:
        yield f"and {more} more that were not checked"


def _headline(report: VerifyReport) -> str:
    pair = f"{report.upstream} -> {report.downstream} ({report.link_kind}, database {report.database})"
    rows = sum(table.differing_rows for table in report.tables)
    if report.blind:
        return f"BLIND  {pair}: nothing that was found equal counts"
    if different := report.count("different"):
        tables = f"{different} of {len(report.tables)} table{'s' * (len(report.tables) != 1)}"
        return f"DIFFERENT  {pair}: {rows:,} row{'s' * (rows != 1)} in {tables}"
    damaged = {each.relation for each in report.pages.damaged} if report.pages is not None else set()
    if damaged:
        return f"DAMAGED  {pair}: {len(damaged)} of its tables and indexes"
    if report.is_equal:
        return f"EQUAL  {pair}"
    if not report.tables:
        return f"NOTHING TO COMPARE  {pair}: no table"
    return f"UNDECIDED  {pair}: no difference is confirmed, and not everything was compared"


def _table(heading: str, table: TableResult, rows: list[RowFinding]) -> Iterator[str]:
    yield f"{heading}  {table.table}"
    if table.state == "different":
        counts = ", ".join(
            f"{count:,} {kind}"
            for kind in ("missing", "extra", "changed")
            if (count := sum(row.kind == kind for row in rows))
        )
        seen = f"{table.rows_upstream:,} rows on the upstream, {table.rows_downstream:,} on the downstream"
        more = f" ({counts})" if counts else ""
        yield from _wrapped("  ", f"{table.differing_rows:,} rows differ{more}; {seen}")
    for row in rows[:MOST_ROWS]:
        yield from _row(row)
    if len(rows) > MOST_ROWS:
        yield f"  and {len(rows) - MOST_ROWS:,} more; --keys FILE has all"
    if table.state != "different" and table.reason:
        yield from _wrapped("  ", table.reason)
    reasons = [part for part in table.undecided if table.state == "different" or part.reason != table.reason]
    for part in reasons[:MOST_ROWS]:
        place = f"after {part.after or 'the beginning'} up to {part.up_to or 'the end'}"
        yield from _wrapped("  undecided: ", f"{place}: {part.reason}")
    for note in table.notes:
        yield from _wrapped("  note: ", note)


def _row(row: RowFinding) -> Iterator[str]:
    key = ", ".join(f"{name}={text}" for name, text in row.key.items())
    columns = f"  columns: {', '.join(row.columns)}" if row.columns else ""
    yield from _wrapped(f"  {row.kind:8} ", f"{key}{columns}")
    for side, values in (("upstream", row.upstream_values), ("downstream", row.downstream_values)):
        if values is not None:
            shown = ", ".join(f"{name}={_value(text)}" for name, text in values.items())
            yield from _wrapped(f"    {side}: ", shown)


def _value(text: str | None) -> str:
    """A value, cut; ``--keys`` has it whole."""
    return "NULL" if text is None else repr(text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…")


def _noted(equal: list[TableResult]) -> Iterator[str]:
    for table in equal:
        for note in table.notes:
            yield from _wrapped(f"  {table.table}: ", note)


def _wrapped(before: str, text: str) -> Iterator[str]:
    """Long words, such as keys, are not broken."""
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=before,
        subsequent_indent=" " * min(len(before), 12),
        break_long_words=False,
        break_on_hyphens=False,
    )
