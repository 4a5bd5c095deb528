"""The steps of a fix as text: in one line for the wire, in groups and lines for people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from leadline.model.incident import Cause, Incident, Risk, Step

MAX_STATEMENT: Final = 1900
"""Characters of a statement that is shown; indented, it fits into ``logs.MAX_TEXT``. A longer one is not cut, since its
beginning could be run."""

WARNINGS: Final[Mapping[Risk, str]] = {
    "look": "",
    "safe": "",
    "careful": "Careful: this can interrupt running work; check first.",
    "destructive": "Destructive: what this discards cannot be restored.",
}
"""The sentence that precedes a step of each risk; empty where none is needed."""


@dataclass(frozen=True, slots=True)
class StepGroup:
    """Consecutive steps on one server, of one risk, all statements or all instructions."""

    node: str
    """Empty where the steps name no server."""
    database: str
    """Empty where any database will do."""
    warning: str
    statements: bool
    lines: tuple[str, ...]
    """Statements with their semicolons, or instructions as sentences."""

    @property
    def place(self) -> str:
        """The server and database: ``pg-2, database app``; empty where the steps name no server."""
        return _place(self.node, self.database)


def place_of(step: Step) -> str:
    """The server and database of a step: ``pg-2, database app``; empty where it names no server."""
    return _place(step.node or "", step.database or "")


def fix_of(steps: Iterable[Step]) -> str:
    """All steps in order, those of one place together: ``On pg-2: SELECT pg_wal_replay_resume();``."""
    parts = []
    for place, group in groupby(steps, key=place_of):
        joined = " ".join(_line(step) for step in group)
        parts.append(f"On {place}: {joined}" if place else joined)
    return " ".join(parts)


def discarding(incident: Incident) -> list[str]:
    """The steps that an open incident proposes and that discard something, each with its server: of the first cause."""
    if incident.state != "open":
        return []
    return [fix_of([step]) for cause in incident.causes[:1] for step in cause.steps if step.risk == "destructive"]


def grouped(steps: Iterable[Step]) -> list[StepGroup]:
    """The steps in order. A statement longer than ``MAX_STATEMENT`` is replaced by a sentence that says so."""
    groups = []
    for (node, database, warning, statements), group in groupby(steps, key=_alike):
        lines = tuple(_line(step) if statements or step.sql is None else _too_long(step.sql) for step in group)
        groups.append(StepGroup(node, database, warning, statements, lines))
    return groups


def fix_lines(cause: Cause) -> list[str]:
    """The fix of a cause, a line for each step, below its server and after its warning.

    A record without steps gives its text ``fix`` in one line, or nothing where that is empty. Nothing is escaped.
    """
    if not cause.steps:
        return [cause.fix] if cause.fix else []
    lines: list[str] = []
    place = ""
    for group in grouped(cause.steps):
        if group.place and group.place != place:
            lines.append(f"On {group.place}:")
        place = group.place
        indent = "  " if place else ""
        lines += [f"{indent}{line}" for line in (group.warning, *group.lines) if line]
    return lines


def _alike(step: Step) -> tuple[str, str, str, bool]:
    statement = step.sql is not None and len(step.sql) <= MAX_STATEMENT
    return step.node or "", step.database or "", WARNINGS[step.risk], statement


def _place(node: str, database: str) -> str:
    return f"{node}, database {database}" if node and database else node


def _line(step: Step) -> str:
    if step.sql is not None:
        return step.sql if step.sql.endswith(";") else f"{step.sql};"
    text = step.text or ""
    return text if text.endswith((".", ":", ";", "?")) else f"{text}."


def _too_long(statement: str) -> str:
    return f"A statement of {len(statement)} characters, too long to show here."
