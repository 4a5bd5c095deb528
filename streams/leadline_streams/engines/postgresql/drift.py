"""Differences between a subscriber's tables and the ones that its publisher sends."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from leadline.model.tables import Table, Tables
from leadline_streams.engines.postgresql.apply import AffectedSubscription, quoted
from leadline_streams.judge.diagnosis.ranking import literal

_PART = r'("(?:[^"]|"")+"|[^".]+)'
_NAME = re.compile(rf"{_PART}\.{_PART}")
"""Schema and name of a table, each quoted where SQL needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference. ``sent`` and ``here`` are the column's types on the two sides; None where it does not exist."""

    table: str
    column: str | None = None
    """None when the whole table is missing."""
    sent: str | None = None
    here: str | None = None
    generated: bool = False
    """Whether the subscriber generates the column itself, so that what is sent cannot be written."""

    keyless: bool = False
    """Whether the subscriber's table has no key by which a row to be updated or deleted is found."""
    other_name: str | None = None
    """Of a missing table: the one of the subscription that has its columns and is not published, if there is one."""

    @property
    def stops(self) -> bool:
        """Whether apply cannot go on with affected. A type may differ: what is written in one is read in the other."""
        return not self.keyless and (self.sent is None or self.here is None)

    @property
    def words(self) -> str:
        """The difference in words, from the subscriber's side."""
        if self.keyless:
            return f"{self.table} has no primary key or replica identity there: updates and deletes cannot be applied"
        if self.column is None:
            renamed = f", and {self.other_name} has its columns and is not published: one of the two was renamed"
            return f"there is no table {self.table}" + (renamed if self.other_name is not None else "")
        if self.generated:
            return f"column {self.column} of {self.table} is generated there, and it is sent"
        if self.here is None:
            return f"{self.table} has no column {self.column} ({_enum(self.sent)[0]})"
        if self.sent is None:
            return f"column {self.column} of {self.table} refuses NULL, has no default and is not sent"
        if labels := _lacking(self.sent, self.here):
            listed = ", ".join(map(literal, labels))
            return f"type {_enum(self.here)[0]} of column {self.column} of {self.table} has no label {listed}"
        return f"column {self.column} of {self.table} is {_enum(self.here)[0]} and {_enum(self.sent)[0]} is sent"

    @property
    def statement(self) -> str | None:
        """Makes the subscriber's table accept what is sent. None for a missing table, whose keys are not known."""
        if self.column is None:
            return rename(self.other_name, self.table) if self.other_name is not None else None
        column = quoted(self.column)
        if self.generated:
            return f"ALTER TABLE {self.table} ALTER COLUMN {column} DROP EXPRESSION"
        if self.here is None:
            return f"ALTER TABLE {self.table} ADD COLUMN {column} {_enum(self.sent)[0]}"
        if self.sent is None:
            return f"ALTER TABLE {self.table} ALTER COLUMN {column} DROP NOT NULL"
        if labels := _lacking(self.sent, self.here):
            return "; ".join(f"ALTER TYPE {_enum(self.here)[0]} ADD VALUE {literal(label)}" for label in labels)
        return f"ALTER TABLE {self.table} ALTER COLUMN {column} TYPE {_enum(self.sent)[0]}"


def _enum(kind: str | None) -> tuple[str, list[str]]:
    """A type as an agent reports it: its name, and the labels of an enum; none of another type."""
    name, found, labels = (kind or "").partition(" [")
    with contextlib.suppress(ValueError):
        return name, json.loads(f"[{labels}") if found else []
    return kind or "", []


def _lacking(sent: str, here: str) -> list[str]:
    """Labels that an enum of the publisher has and that of the subscriber lacks; empty where one is no enum."""
    (_, wanted), (_, own) = _enum(sent), _enum(here)
    return [label for label in wanted if label not in own] if own else []


def _fits(sent: str, here: str | None) -> bool:
    """Whether a column is of the type that is sent; of an enum with all of its labels, where both ends report them."""
    if here is None:
        return False
    (sent_as, wanted), (name, own) = _enum(sent), _enum(here)
    return sent_as == name and (not own or set(wanted) <= set(own))


def drift_of(affected: AffectedSubscription) -> list[Drift] | None:
    """The differences, those that stop apply first. None when an agent has not reported the tables of that database."""
    publisher, node = affected.publisher, affected.node
    if publisher is None or affected.slot is None or publisher.sample is None or node.sample is None:
        return None
    if publisher.sample.database != affected.slot.database or node.sample.database != affected.subscription.database:
        return None
    if publisher.tables is None or node.tables is None:
        return None
    listed = node.subscribes.get(affected.subscription.name)
    found = between(
        affected.subscription.publications, publisher.tables, node.tables, listed.names if listed is not None else ()
    )
    return sorted(found, key=lambda drift: not drift.stops)


def between(
    publications: tuple[str, ...], sent: Tables, here: Tables, subscribed: Collection[str] = ()
) -> Iterator[Drift]:
    """Every difference between the tables of these publications, as far as both agents reported them.

    ``subscribed``: the names of the subscription's tables, where they are known.
    """
    present = {table.name: table for table in here.present}
    published = {table.name: table for name in publications for table in sent.published.get(name, ())}
    for name, table in published.items():
        if name in present:
            yield from _columns(table, present[name])
            if present[name].keyless and not table.keyless:
                yield Drift(table=name, keyless=True)
        elif not here.left_out:
            same = [
                each
                for each in sorted(present.keys() & set(subscribed) - published.keys())
                if present[each].columns == table.columns
            ]
            yield Drift(table=name, other_name=same[0] if len(same) == 1 else None)


def rename(table: str, to: str) -> str | None:
    """The statement that gives a table another name, schema or both; None for a name without a schema."""
    old, new = _NAME.fullmatch(table), _NAME.fullmatch(to)
    if old is None or new is None:
        return None
    moved = f"{new[1]}.{old[2]}"
    statements = [f"ALTER TABLE {table} SET SCHEMA {new[1]}"] if old[1] != new[1] else []
    return "; ".join(statements + ([f"ALTER TABLE {moved} RENAME TO {new[2]}"] if old[2] != new[2] else []))


def _columns(sent: Table, here: Table) -> Iterator[Drift]:
    for column, kind in sent.columns.items():
        if not _fits(kind, here.columns.get(column)):
            generated = column in here.generated
            yield Drift(table=sent.name, column=column, sent=kind, here=here.columns.get(column), generated=generated)
    for column in here.required:
        if column not in sent.columns:
            yield Drift(table=sent.name, column=column, here=here.columns.get(column))
