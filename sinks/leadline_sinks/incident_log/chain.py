"""The hash chain of the incident log: each row's hash covers the row and the hash before it. Pure.

Whoever changes, removes, inserts or reorders a row must change every later hash. ``leadline incidents verify`` prints
the last hash; anybody who has noted it can prove such a change.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

GENESIS: Final = bytes(32)
"""The hash before the first row."""

_TEXT: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})").fullmatch

RowKind = Literal[
    "transition",
    "incident",
    "notification",
    "suppression",
    "acknowledgement",
    "note",
    "change",
    "audit",
    "checkpoint",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The content of a row. Texts hold only characters that PostgreSQL can store; ``record`` is exact JSON in ASCII."""

    kind: RowKind
    event_id: str
    incident_id: str | None
    alert_id: str | None
    cluster: str | None
    who: str | None
    """The target that was notified, or the person who acted."""
    outcome: str | None
    """Of a delivery."""
    what: str
    """One line for people."""
    at: datetime
    """Time of the event."""
    source: str
    """Topic, partition and offset."""
    record: str


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A place in the chain: the number of a row and its hash."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        """As people note it."""
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "ChainLink | None":
        """The place that a text stands for; None when it is none."""
        found = _TEXT(text)
        return cls(int(found[1]), bytes.fromhex(found[2])) if found else None


BEGINNING: Final = ChainLink(0, GENESIS)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as stored in the incident log."""

    link: ChainLink
    recorded_at: datetime
    row: Row


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first row at which the chain is not intact, and why."""

    number: int
    why: str


def canonical(number: int, recorded_at: datetime, row: Row) -> bytes:
    """The bytes of a row that its hash covers: every column but the hash, as one JSON array in ASCII.

    Two different rows have different bytes. Times have microseconds, as in PostgreSQL.
    """
    columns = (
        *(number, row.kind, row.event_id, row.incident_id, row.alert_id, row.cluster, row.who, row.outcome, row.what),
        *(_time(row.at), _time(recorded_at), row.source, row.record),
    )
    return json.dumps(columns, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def append(before: ChainLink, recorded_at: datetime, row: Row) -> StoredRow:
    """The stored row that follows ``before``."""
    number = before.number + 1
    digest = hashlib.sha256(before.hash + canonical(number, recorded_at, row)).digest()
    return StoredRow(ChainLink(number, digest), recorded_at, row)


def checkpoint(through: ChainLink, at: datetime) -> Row:
    """The row that vouches for the rows that retention removes: all up to ``through``."""
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


class ChainVerifier:
    """Verifies the chain from its first row, or from the end of what retention removed, to its head.

    The caller passes every row in the order of numbers, then the head. ``noted`` are heads that were noted earlier:
    they detect an incident log that was written anew from its first row, or whose last rows were removed.
    """

    def __init__(self, start: ChainLink = BEGINNING, noted: Iterable[ChainLink] = ()) -> None:
        self._start = start
        self._noted = {link.number: link.hash for link in noted}
        self._before = start
        self._vouched = start == BEGINNING

    def row(self, stored: StoredRow) -> ChainBreak | None:
        """Verify the next row; the break, if the chain is not intact at it."""
        number = stored.link.number
        if number != self._before.number + 1:
            return ChainBreak(number, f"row {self._before.number + 1} is missing")
        expected = append(self._before, stored.recorded_at, stored.row)
        if expected.link != stored.link:
            return ChainBreak(number, "its hash does not match its content and the row before it")
        if self._noted.get(number, stored.link.hash) != stored.link.hash:
            return ChainBreak(number, "its hash differs from the one that was noted")
        if stored.row.kind == "checkpoint" and stored.row == checkpoint(self._start, stored.row.at):
            self._vouched = True
        self._before = stored.link
        return None

    def end(self, head: ChainLink) -> ChainBreak | None:
        """Verify the head, after the last row."""
        if head != self._before:
            last = self._before.number
            return ChainBreak(last + 1, f"the incident log ends with row {last}, but its head is row {head.number}")
        if (noted := max(self._noted, default=0)) > head.number:
            return ChainBreak(head.number + 1, f"the incident log ends here, but row {noted} was noted")
        if not self._vouched:
            first = self._start.number
            return ChainBreak(first, f"the rows up to {first} were removed, and no checkpoint vouches for that")
        return None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
