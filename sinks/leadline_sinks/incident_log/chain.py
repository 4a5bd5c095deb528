"""The chain of the log: each row's hash covers the row and the hash before it. Pure.

Whoever changes, removes, inserts or reorders a row has to change every hash after it, and the last one is known to
whoever wrote it down: ``leadline incidents verify`` prints it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

GENESIS: Final = bytes(32)
"""What stands before the first row."""

Kind = Literal["transition", "incident", "notification", "suppression", "acknowledgement", "note", "checkpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one row says. Text is as PostgreSQL can hold it; ``record`` is JSON in ASCII, and exact."""

    kind: Kind
    event_id: str
    incident_id: str | None
    alert_id: str | None
    cluster: str | None
    who: str | None
    """Who was told or who did it: a target, a person."""
    outcome: str | None
    """Of a delivery."""
    what: str
    """One line for people."""
    at: datetime
    """When it happened."""
    source: str
    """Where it was read: topic, partition and offset."""
    record: str


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the number of a row and its hash."""

    number: int
    hash: bytes


BEGINNING: Final = Link(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it is in the log."""

    link: Link
    recorded_at: datetime
    row: Row


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold, and why."""

    number: int
    why: str


def canonical(number: int, recorded_at: datetime, row: Row) -> bytes:
    """The bytes of a row that its hash covers: every column but the hash, as one JSON array in ASCII.

    Two rows that differ anywhere have different bytes. Times have microseconds, as PostgreSQL keeps them.
    """
    columns = (
        *(number, row.kind, row.event_id, row.incident_id, row.alert_id, row.cluster, row.who, row.outcome, row.what),
        *(_time(row.at), _time(recorded_at), row.source, row.record),
    )
    return json.dumps(columns, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def append(before: Link, recorded_at: datetime, row: Row) -> Written:
    """The row that follows ``before``."""
    number = before.number + 1
    digest = hashlib.sha256(before.hash + canonical(number, recorded_at, row)).digest()
    return Written(Link(number, digest), recorded_at, row)


def checkpoint(through: Link, at: datetime) -> Row:
    """The row that vouches for what retention removes: all up to ``through``."""
    record = json.dumps({"through": through.number, "hash": through.hash.hex()}, separators=(",", ":"))
    what = f"retention removes all up to row {through.number}"
    return Row(
        kind="checkpoint",
        event_id=f"/incident-log#checkpoint:{through.number}",
        incident_id=None,
        alert_id=None,
        cluster=None,
        who=None,
        outcome=None,
        what=what,
        at=at,
        source="retention",
        record=record,
    )


class Verifier:
    """Follows the chain from its beginning, or from where retention left it, to its head.

    Give it every row in order of number, then the head; each answers with the first place that does not hold. ``known``
    is a link that somebody wrote down earlier: who wrote the whole log anew could not make it again.
    """

    def __init__(self, start: Link = BEGINNING, known: Link | None = None) -> None:
        self._start = start
        self._known = known
        self._before = start
        self._vouched = start == BEGINNING

    def row(self, written: Written) -> Break | None:
        """Take the next row."""
        number = written.link.number
        if number != self._before.number + 1:
            return Break(number, f"row {self._before.number + 1} should come next")
        expected = append(self._before, written.recorded_at, written.row)
        if expected.link != written.link:
            return Break(number, "its hash does not fit what it says and the row before it")
        if self._known is not None and number == self._known.number and written.link != self._known:
            return Break(number, "its hash is another than the one that was written down")
        if written.row.kind == "checkpoint" and written.row == checkpoint(self._start, written.row.at):
            self._vouched = True
        self._before = written.link
        return None

    def end(self, head: Link) -> Break | None:
        """Take the head, after the last row."""
        if head != self._before:
            last = self._before.number
            return Break(last + 1, f"the log ends with row {last}, its head says {head.number}")
        if self._known is not None and self._known.number > head.number:
            return Break(head.number + 1, f"the log ends here; row {self._known.number} was written down")
        if not self._vouched:
            first = self._start.number
            return Break(first, f"the rows up to {first} are gone, and no checkpoint in the chain vouches for that")
        return None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
