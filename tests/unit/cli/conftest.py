"""Commands run in this process, as the entry point runs them."""

from typing import NamedTuple, Protocol

import pytest

from leadline.cli import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Run(Protocol):
    def __call__(self, *args: object) -> Result: ...


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line; what it prints is the test's to judge."""

    def line(*args: object) -> Result:
        capfd.readouterr()
        code = main([str(arg) for arg in args])
        return Result(code, *capfd.readouterr())

    return line
