"""A connection string that is none: which of the two it is, and never its text."""

import pytest

from tests.fixtures.commands import Run

FINE = "host=10.0.0.1 user=leadline_verify dbname=app"
SECRET = "hunter2"


@pytest.mark.parametrize(
    "wrong",
    [
        f"host=a passwrd={SECRET}",
        f"postgresql://u:{SECRET}@x@a/app",
        f"jdbc:postgresql://a/app?password={SECRET}",
        SECRET,
        f"pg-2=host=a;password={SECRET}",
    ],
)
@pytest.mark.parametrize("argument", ["UPSTREAM", "DOWNSTREAM"])
def test_the_argument_is_named_and_its_text_is_not_shown(run: Run, wrong: str, argument: str) -> None:
    given = (wrong, FINE) if argument == "UPSTREAM" else (FINE, wrong)
    result = run("verify", *given)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith(f"leadline: {argument}: ")
    assert SECRET not in result.err
