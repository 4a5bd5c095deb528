"""Literals and secrets do not leave the host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline_agents.engines.postgresql.masking import UNREADABLE, mask_query, show_query, show_setting


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM t1 WHERE a = 'it''s' AND b=12.5e-3", "SELECT * FROM t1 WHERE a = ? AND b=?"),
        ("SELECT $1, $2::int, x.y, a$1 FROM t", "SELECT $1, $2::int, x.y, a$1 FROM t"),
        ("SELECT $$it's$$, $tag$ a $$ b $tag$, x", "SELECT ?, ?, x"),
        ("SELECT E'it\\'s', U&'d\\0061', b'101', X'ff', n'x'", "SELECT ?, ?, ?, ?, ?"),
        ("SELECT -1, .5, 0xFF, 1_000, 1e+5, array[1,2]", "SELECT -?, ?, ?, ?, ?, array[?,?]"),
        ('SELECT "it\'s", "a""1" FROM "t 1"', 'SELECT "it\'s", "a""1" FROM "t 1"'),
        ("SELECT 1 -- secret 'x\nFROM t /* a /* ' */ b */ WHERE c", "SELECT ? FROM t WHERE c"),
        ("INSERT INTO t VALUES ('cut of", "INSERT INTO t VALUES (?"),
        ("SELECT $x$ cut of", "SELECT ?"),
        ("SELECT 1 /* cut of", "SELECT ?"),
        ("ALTER ROLE r PASSWORD 'secret'", "ALTER ROLE r PASSWORD ?"),
        (r"SELECT 'a\' OR b = ' secret '", "SELECT ?"),
        ("SELECT date'2026-01-01'", "SELECT date?"),
        ("", ""),
    ],
)
def test_literals_are_masked_and_the_rest_stays(query: str, shown: str) -> None:
    """Strings, numbers and comments go; names, keywords and parameters stay readable."""
    assert mask_query(query) == shown


SECRET = "hunter2"
TEXT = st.text(st.sampled_from('a1 ;$/*-\n\t"eE.,()'), max_size=12)
STRINGS = st.one_of(
    TEXT.map(lambda s: "'" + s.replace("'", "''") + SECRET + "'"),
    TEXT.map(lambda s: " E'" + s + "\\'" + SECRET + "'"),
    TEXT.filter(lambda s: "$" not in s).map(lambda s: f" $q${s}{SECRET}$q$"),
    TEXT.filter(lambda s: "/" not in s and "*" not in s).map(lambda s: f" /* {s} {SECRET} */"),
    TEXT.filter(lambda s: "\n" not in s).map(lambda s: f" -- {s}{SECRET}\n"),
)


@given(st.lists(st.tuples(st.sampled_from(["SELECT ", "a = ", ", ", " FROM t1 ", '"q" || ']), STRINGS)))
def test_no_literal_gets_out(parts: list[tuple[str, str]]) -> None:
    """Whatever is beside and inside them, literals and comments do not show."""
    query = "".join(word + string for word, string in parts)
    assert SECRET not in mask_query(query)


@given(st.lists(st.tuples(st.sampled_from(["SELECT ", "a = "]), STRINGS), min_size=1), st.data())
def test_no_literal_gets_out_of_a_query_that_was_cut(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    """The server cuts long queries anywhere."""
    query = "".join(word + string for word, string in parts)
    cut = query[: data.draw(st.integers(0, len(query)))]
    assert "hunter" not in mask_query(cut)


@given(st.text())
def test_any_text_is_masked_without_an_error(text: str) -> None:
    """Queries need not be valid SQL."""
    mask_query(text)


def test_a_long_query_is_masked_in_linear_time() -> None:
    """Quotes that never close do not make the pattern backtrack without end."""
    assert mask_query("'" * 99_999 + "(" * 50_000 + "$a" * 50_000).startswith("?")


def test_the_setting_query_text() -> None:
    """full, masked and off."""
    query = "SELECT 1"
    assert show_query(query, "full") == query
    assert show_query(query, "masked") == "SELECT ?"
    assert show_query(query, "off") is None
    assert show_query(None, "full") is None
    assert show_query("ALTER ROLE x PASSWORD 'hunter2'", "full") == "ALTER ROLE x PASSWORD ***"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("primary_conninfo", "host=a password='x y' user=b", "user=b host=a"),
        ("primary_conninfo", "postgresql://b:secret@a/?sslpassword=secret", "user=b host=a"),
        ("primary_conninfo", "password=secret rubbish", UNREADABLE),
        ("primary_conninfo", "", ""),
        ("archive_command", "true", "true"),
        ("archive_command", "(disabled)", "(disabled)"),
        ("archive_command", "", ""),
        ("restore_command", "KEY=secret aws s3 cp s3://x %p", "aws … %p #3ccf3f1c"),
        ("archive_command", "test ! -f /a/%f && cp %p /a/%f", "test … …%f && … %p …%f #a3c357b8"),
        ("archive_command", "cp %p sftp://u:secret@h/%f || true", "cp %p …%f || true #a763e32d"),
        ("archive_command", "cp %p /dev/null", "cp %p /dev/null #ce66237b"),
        ("archive_command", "exit 0", "exit 0 #c22995ad"),
        ("restore_command", "KEY=secret", "… #03cf4195"),
        ("wal_level", "replica", "replica"),
    ],
)
def test_settings_are_shown_without_their_secrets(name: str, value: str, shown: str) -> None:
    """A connection string loses its passwords, a command its arguments."""
    assert show_setting(name, value) == shown


def test_a_changed_command_looks_changed() -> None:
    """Two commands of one program differ by their digest."""
    first, second = (show_setting("archive_command", f"cp %p /backup/{n}/%f") for n in (1, 2))
    assert first != second
    assert first.startswith("cp %p …%f")
