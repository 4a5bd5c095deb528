"""The fix of a cause in Slack: where, how risky, and what to copy."""

import pytest

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_sinks.slack import limits
from leadline_sinks.slack.steps import fix
from tests.unit.sinks.made import cause

PG_2 = NodeName("pg-2")
PAUSED = "SELECT pg_is_wal_replay_paused()"


def test_the_place_is_named_once() -> None:
    """The server stands above its first step, and again where another server or database follows."""
    steps = [
        Step(risk="look", node=PG_2, sql=PAUSED),
        Step(risk="safe", node=PG_2, sql="SELECT pg_wal_replay_resume()"),
        Step(risk="safe", node=PG_2, database="app", sql="ALTER SUBSCRIPTION sub ENABLE;"),
        Step(risk="safe", text="Send the owner of sub"),
        Step(risk="look", node=PG_2, text="Read its server log"),
    ]
    assert fix(cause(steps=steps), limits.FIX).split("\n") == [
        "On `pg-2`:",
        "```SELECT pg_is_wal_replay_paused();",
        "SELECT pg_wal_replay_resume();```",
        "On `pg-2`, database `app`:",
        "```ALTER SUBSCRIPTION sub ENABLE;```",
        "Send the owner of sub.",
        "On `pg-2`:",
        "Read its server log.",
    ]


@pytest.mark.parametrize(
    ("risk", "warning"),
    [
        ("look", []),
        ("safe", []),
        ("careful", ["*Careful*: this can interrupt running work; check first."]),
        ("destructive", ["*Destructive*: what this discards cannot be restored."]),
    ],
)
def test_the_risk_is_in_words(risk: str, warning: list[str]) -> None:
    """Above the step, between it and a harmless one before it."""
    steps = [Step(risk="look", node=PG_2, sql=PAUSED), Step(risk=risk, node=PG_2, text="Rebuild it")]  # type: ignore[arg-type]
    assert fix(cause(steps=steps), limits.FIX).split("\n")[2:] == [*warning, "Rebuild it."]


@pytest.mark.parametrize("letters", [1, 200, 1500, 1885, 5000])
def test_a_statement_is_whole_or_not_there(letters: int) -> None:
    """Steps that do not fit are counted; none is shown after one that was left out."""
    long = f"SELECT '{'s' * letters}';"
    steps = [Step(risk="safe", node=PG_2, sql=sql) for sql in (PAUSED, long, "SELECT 2;")]
    for limit in (limits.COMPACT, limits.FIX):
        shown = fix(cause(steps=steps), limit)
        assert len(shown) <= limit
        assert (long in shown) == ("sss" in shown) or letters == 1
        if long not in shown and letters < 1900:
            assert "SELECT 2" not in shown
            assert shown.endswith("… 2 more steps, too long to show here; see `leadline incidents show`")
    alone = fix(cause(steps=[Step(risk="safe", sql=long)]), 60 + min(letters, 40))
    assert "sss" not in alone


def test_a_statement_of_unusual_length() -> None:
    """No sink shows it; the sentence in its place says why."""
    shown = fix(cause(steps=[Step(risk="safe", node=PG_2, sql="x" * 1901)]), limits.FIX)
    assert shown == "On `pg-2`:\nA statement of 1901 characters, too long to show here."


def test_an_altered_statement_says_so() -> None:
    """A character that would end the code block, or cannot be seen, is replaced, so the statement cannot be copied."""
    for sql in ("SELECT '`';", "SELECT '\u202e';"):
        assert "characters that are replaced here" in fix(cause(steps=[Step(risk="safe", sql=sql)]), limits.FIX)
    assert "replaced" not in fix(cause(steps=[Step(risk="safe", sql="SELECT '<&>';")]), limits.FIX)


def test_older_records_have_text_only() -> None:
    """It is shown as it is, as words."""
    assert fix(cause(steps=[], fix="Start the server on pg-2."), limits.FIX) == "Start the server on pg-2."
    assert fix(cause(steps=[], fix=""), limits.FIX) == "-"
