"""Writes the statements that would repair the rows that differ. Nothing here runs them.

The publisher is taken for the truth, because the subscriber gets its rows from there. Where that is not so, the file
says why there are no statements: a standby takes no writes, and damage may be on either side; of two servers that
subscribe to each other neither has the only truth.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from leadline.logs import escape
from leadline_verify.column_hash import quoted
from leadline_verify.linking import FollowedBy
from leadline_verify.outcome import RowFinding
from leadline_verify.plan import TablePlan
from leadline_verify.statements import Key, literal
from leadline_verify.table_facts import Column

Values = dict[Key, dict[str, str | None]]
"""The compared columns' values as text, by key."""

STANDBY = """\
-- No statement: a standby takes no writes, and which side is damaged cannot be known from here.
-- Rows that differ on a standby come from damaged files, or from a defect in replay. Keep the list of keys, and
-- look at both sides first: pg_checksums and amcheck (pg_amcheck) on each, and the server log of both.
-- Where the primary is sound, build the standby anew (pg_basebackup). Do not promote it before.
"""
TWO_WAYS = """\
-- No statement: the two servers subscribe to each other, so that a row may be right on either side.
-- Decide for each key which side is right, and write it there; replication carries it to the other one.
"""
SETTINGS = {
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "lc_monetary": "C",
    "lock_timeout": "5s",
}
"""As in the session that read the values."""


def head(upstream: str, downstream: str, database: str, link: FollowedBy, now: datetime) -> str:
    """The first lines of the file: which side is taken for the truth and why, or why there are no statements."""
    first = f"-- Written by leadline verify at {now.isoformat(timespec='seconds')}. None of it has been run.\n"
    if link.kind == "physical":
        return first + STANDBY
    if link.back is not None:
        return first + TWO_WAYS
    name = escape(link.subscription.name) if link.subscription else ""
    upstream, downstream, database = escape(upstream), escape(downstream), escape(database)
    return first + (
        f"-- For database {database} of {downstream}. It makes rows as they are on {upstream}, which is taken for the\n"
        f"-- truth: {downstream} gets them from there by subscription {name}, and not the other way round.\n"
        f"-- Rows that somebody changed on {downstream} by intent are lost by it.\n"
        "-- First end what made them differ, or they will again. Each statement leaves a row alone that has changed\n"
        "-- since; a row that was deleted upstream since would come back. Run it soon, with ON_ERROR_STOP, and verify\n"
        "-- again. Triggers fire as for any session.\n"
        "BEGIN;\n" + "".join(f"SET LOCAL {key} = {literal(value)};\n" for key, value in SETTINGS.items())
    )


def writes(link: FollowedBy) -> bool:
    """Whether statements can be written for this link."""
    return link.kind == "logical" and link.back is None


def statements(plan: TablePlan, rows: Sequence[RowFinding], above: Values, below: Values) -> Iterator[str]:
    """A statement for each row; a comment for one of which the values are not known any more."""
    if plan.key is None:
        yield _comment(plan, "it has no key by which its rows could be named")
        return
    for row in rows:
        key = tuple(row.key[column.name] or "" for column in plan.key.columns)
        yield _statement(plan, row, key, above.get(key), below.get(key))


def _statement(
    plan: TablePlan, row: RowFinding, key: Key, above: dict[str, str | None] | None, below: dict[str, str | None] | None
) -> str:
    table = plan.downstream.full_name
    if row.kind == "missing" and above is not None and below is None:
        return _insert(plan, above)
    if row.kind == "extra" and below is not None and above is None:
        if plan.downstream_filter:
            return _comment(plan, "other subscriptions write to this table as well; decide by hand", row)
        return f"DELETE FROM {table} WHERE {_where(plan, key, below, list(below))};"
    if row.kind == "changed" and above is not None and below is not None:
        names = [name for name in above if above[name] != below[name]]
        fixed = [name for name in names if _down(plan, name).identity == "a" or _down(plan, name).generated]
        if fixed:
            return _comment(plan, f"column {', '.join(fixed)} takes no value; delete the row and insert it", row)
        if names:
            sets = ", ".join(f"{quoted(name)} = {_value(plan, name, above[name])}" for name in names)
            return f"UPDATE {table} SET {sets} WHERE {_where(plan, key, below, names)};"
    return _comment(plan, "it has changed since it was found; verify again", row)


def _comment(plan: TablePlan, why: str, row: RowFinding | None = None) -> str:
    """One line, whatever the names in it are: a name with a line break would go on as a statement."""
    named = "".join(f" {name}={text!r}" for name, text in row.key.items()) if row is not None else ""
    return f"-- {escape(f'{plan.downstream.full_name}{named}: {why}')}"


def _insert(plan: TablePlan, values: dict[str, str | None]) -> str:
    columns = [name for name in values if not _down(plan, name).generated]
    overriding = " OVERRIDING SYSTEM VALUE" if any(_down(plan, name).identity == "a" for name in columns) else ""
    names = ", ".join(map(quoted, columns))
    given = ", ".join(_value(plan, name, values[name]) for name in columns)
    return f"INSERT INTO {plan.downstream.full_name} ({names}){overriding} VALUES ({given}) ON CONFLICT DO NOTHING;"


def _where(plan: TablePlan, key: Key, old: dict[str, str | None], names: Sequence[str]) -> str:
    """The row of this key, if these columns are as they were found."""
    assert plan.key is not None
    parts = [
        f"{quoted(column.name)} = {literal(text)}::{column.downstream_type}"
        for column, text in zip(plan.key.columns, key, strict=True)
    ]
    taken = {column.name for column in plan.key.columns}
    for name in names:
        if name not in taken:
            text = old[name]
            parts.append(f"{quoted(name)}::text IS {'NULL' if text is None else f'NOT DISTINCT FROM {literal(text)}'}")
    return " AND ".join(parts)


def _down(plan: TablePlan, name: str) -> Column:
    return next(match.downstream for match in plan.columns if match.name == name)


def _value(plan: TablePlan, name: str, text: str | None) -> str:
    return "NULL" if text is None else f"{literal(text)}::{_down(plan, name).type_name}"
