"""The steps of a fix as text."""

from typing import Any

import pytest

from leadline.model.alert import Subject
from leadline.model.ids import NodeName
from leadline.model.incident import Cause, Step
from leadline.steps import MAX_STATEMENT, WARNINGS, fix_lines, fix_of

PG_1, PG_2 = NodeName("pg-1"), NodeName("pg-2")
STEPS = [
    Step(risk="look", node=PG_1, sql="SELECT 1"),
    Step(risk="destructive", node=PG_1, database="app", sql="DROP SUBSCRIPTION sub;"),
    Step(risk="careful", node=PG_2, text="Restart it"),
    Step(risk="safe", text="Tell the owner:"),
]


def cause(**given: Any) -> Cause:
    about: dict[str, Any] = {"code": "x", "confidence": 1.0, "subject": Subject(kind="node", id="x"), "summary": ""}
    return Cause(**about | {"fix": "", "evidence_for": [], "evidence_against": []} | given)


def test_one_line() -> None:
    """Statements end with a semicolon, instructions with a full stop, and each place is named once in a row."""
    assert fix_of(STEPS) == (
        "On pg-1: SELECT 1; On pg-1, database app: DROP SUBSCRIPTION sub; On pg-2: Restart it. Tell the owner:"
    )


def test_lines() -> None:
    """One for each step, below its server and after the warning of its risk."""
    assert fix_lines(cause(steps=STEPS)) == [
        "On pg-1:",
        "  SELECT 1;",
        "On pg-1, database app:",
        f"  {WARNINGS['destructive']}",
        "  DROP SUBSCRIPTION sub;",
        "On pg-2:",
        f"  {WARNINGS['careful']}",
        "  Restart it.",
        "Tell the owner:",
    ]


@pytest.mark.parametrize(("fix", "lines"), [("Restart it.", ["Restart it."]), ("", [])])
def test_lines_without_steps(fix: str, lines: list[str]) -> None:
    """The text of an older record."""
    assert fix_lines(cause(fix=fix)) == lines


def test_a_statement_is_never_cut() -> None:
    """One that is too long is replaced by a sentence."""
    longest = "x" * MAX_STATEMENT
    assert fix_lines(cause(steps=[Step(risk="safe", sql=longest)])) == [f"{longest};"]
    assert fix_lines(cause(steps=[Step(risk="safe", sql=longest + "x")])) == [
        "A statement of 1901 characters, too long to show here."
    ]
