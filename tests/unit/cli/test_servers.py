"""The servers of a command line, and their names."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline_cli.servers import Given, _named, exposes, parse, servers


@pytest.mark.parametrize(
    ("text", "name", "dsn"),
    [
        ("host=pg-1 user=leadline", None, "host=pg-1 user=leadline"),
        ("host = pg-1", None, "host = pg-1"),
        ("service=orders", None, "service=orders"),
        ("pg-1=host=10.0.0.1 user=leadline", "pg-1", "host=10.0.0.1 user=leadline"),
        ("host1=host=10.0.0.1 user=leadline", "host1", "host=10.0.0.1 user=leadline"),
        ("fra/pg 1=service=orders", "fra/pg 1", "service=orders"),
        ("pg-1=postgresql://u@10.0.0.1/db?application_name=x", "pg-1", "postgresql://u@10.0.0.1/db?application_name=x"),
        ("postgresql://u@h/db?application_name=x", None, "postgresql://u@h/db?application_name=x"),
    ],
)
def test_a_name_may_precede_a_connection_string(text: str, name: str | None, dsn: str) -> None:
    """A keyword of connection strings is no name."""
    assert parse(text) == Given(name, dsn)


@pytest.mark.parametrize("text", ["pg-1", "pg-1=", "pg-1=nonsense", "hots=pg-1 user=leadline", "=host=pg-1"])
def test_no_server(text: str) -> None:
    """Neither is repeated: it may hold a password."""
    with pytest.raises(UsageError, match="not a connection string"):
        parse(text)


def test_the_server_that_is_meant_is_counted_and_its_slip_named() -> None:
    """The strings are not quoted, so the place is all that says which of them it is."""
    good = "host=10.0.0.1 user=leadline"
    with pytest.raises(UsageError, match=r"^server 2 of 3: .*; a keyword is not known; did you mean host=\?$"):
        servers([good, "hots=10.0.0.2 user=leadline", good], None, "main", ask=False)
    with pytest.raises(UsageError, match=r"^this is not .* with a port host=NAME port=5432$"):
        servers(["10.0.0.2:5432"], None, "main", ask=False)


@pytest.mark.parametrize(
    ("own", "names"),
    [
        ([("a",), ("b",)], ["a", "b"]),
        ([("15/main",), ("15/main", "replica")], ["h1:5432", "replica"]),
        ([(), ("b",)], ["h1:5432", "b"]),
        ([("left",), ("left",)], ["h1:5432", "h2:5432"]),
    ],
)
def test_names_of_servers_that_nobody_named(own: list[tuple[str, ...]], names: list[str]) -> None:
    """The first name that no other server has; else the address."""
    assert _named([Given(None, "host=h1"), Given(None, "host=h2")], own) == names


def test_a_given_name_is_taken() -> None:
    """Another server that has it for itself is named by its address."""
    assert _named([Given("b", "host=h1"), Given(None, "host=h2")], [(), ("b",)]) == ["b", "h2:5432"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ((), "give at least one server"),
        (("a=host=h1", "a=host=h2"), "two servers are named a"),
        (("a=host=h1", "b=host=h1"), "h1:5432 is given twice"),
    ],
)
def test_servers_that_are_the_same(given: tuple[str, ...], why: str) -> None:
    """Nothing is connected to."""
    with pytest.raises(UsageError, match=why):
        servers(given, None, "main", ask=False)


def test_a_file_or_connection_strings() -> None:
    """Both at once would need a rule of which holds."""
    with pytest.raises(UsageError, match="not both"):
        servers(("host=h1",), Path("agent.yaml"), "main", ask=False)


def test_a_password_on_the_command_line_is_noticed() -> None:
    """With a name before it, too."""
    assert exposes(["pg-1=host=h1 password=x"])
    assert not exposes(["pg-1=service=orders", "postgresql://u@h/db"])
