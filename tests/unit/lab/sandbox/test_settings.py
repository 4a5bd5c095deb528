"""The quoting of values in configuration files and statements, and the spelling of names."""

import pytest

from leadline.errors import UnreachableError
from leadline_lab.sandbox.fleet import identifier
from leadline_lab.sandbox.postgres import _alter_system
from leadline_lab.sandbox.server_files import _conf
from leadline_lab.sandbox.wait import eventually


def test_values_in_a_file_are_quoted() -> None:
    """A quote in a value is doubled, as postgresql.conf wants it."""
    assert _conf({"port": "1", "archive_command": "echo 'a'"}) == "port = '1'\narchive_command = 'echo ''a'''\n"


@pytest.mark.parametrize(
    ("name", "value", "statement"),
    [
        ("work_mem", "5MB", """ALTER SYSTEM SET "work_mem" = '5MB'"""),
        ("leadline.note", "it's", """ALTER SYSTEM SET "leadline"."note" = 'it''s'"""),
        ("work_mem", None, """ALTER SYSTEM RESET "work_mem\""""),
    ],
)
def test_names_and_values_in_a_statement_are_quoted(name: str, value: str | None, statement: str) -> None:
    """None resets."""
    assert _alter_system(name, value) == statement


def test_a_name_becomes_an_identifier() -> None:
    """Slots take lower case, digits and underscores."""
    assert identifier("PG-2") == "pg_2"


def test_eventually_returns_at_once_when_it_is_so() -> None:
    """Without time to wait, one look is taken."""
    eventually("it is so", lambda: True, timeout_s=0.0)


def test_eventually_says_what_did_not_happen() -> None:
    """The error names it."""
    looks = iter([False, False, False])
    with pytest.raises(UnreachableError, match="rain: not after 0 s"):
        eventually("rain", lambda: next(looks), timeout_s=0.0)
