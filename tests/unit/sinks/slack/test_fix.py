"""A fix taken apart into words and statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline_sinks.slack.fix import parts
from tests.unit.strategies import hostile


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (
            "On pg-2: SELECT pg_terminate_backend(4711); ALTER SYSTEM SET x = '30s'; SELECT pg_reload_conf();",
            [
                (
                    "On pg-2:",
                    ["SELECT pg_terminate_backend(4711);", "ALTER SYSTEM SET x = '30s';", "SELECT pg_reload_conf();"],
                )
            ],
        ),
        (
            "On pg-2: ALTER SYSTEM SET max_connections = 200; then restart it.",
            [("On pg-2:", ["ALTER SYSTEM SET max_connections = 200;"]), ("then restart it.", [])],
        ),
        ("Start PostgreSQL on pg-2 and read its log.", [("Start PostgreSQL on pg-2 and read its log.", [])]),
        (
            "REVOKE INSERT on t from everybody but the owner.",
            [("REVOKE INSERT on t from everybody but the owner.", [])],
        ),
        ("SELECT f('a;b', \"c;d\", 'e''f;');", [("", ["SELECT f('a;b', \"c;d\", 'e''f;');"])]),
        ("SELECT 'never closed;", [("SELECT 'never closed;", [])]),
        ("", []),
    ],
)
def test_parts(fix: str, expected: list[tuple[str, list[str]]]) -> None:
    """Statements end at the semicolon that is in no quotes; what is none stays words."""
    assert list(parts(fix)) == expected


@given(st.one_of(hostile, st.text("SELECT '\";", max_size=200), st.just("SELECT '" * 2000)))
def test_nothing_is_lost(fix: str) -> None:
    """But for spaces, what goes in comes out, whatever it is."""
    out = "".join(words + "".join(statements) for words, statements in parts(fix))
    assert "".join(out.split()) == "".join(fix[:4000].split())
