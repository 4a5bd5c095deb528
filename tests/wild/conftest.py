"""The ``wild`` fixture: a test names its situation by the marker ``situation`` and reports the answer that it got."""

from collections.abc import Iterator

import pytest

from leadline.clock import SystemClock
from tests.fixtures.commands import own_logging as own_logging
from tests.fixtures.commands import run as run
from tests.wild.case import Answer, record

FAILED = pytest.StashKey[bool]()


class Wild:
    """The answer to a situation. The time runs from the start of the test, or from the last ``begins``."""

    def __init__(self) -> None:
        self.given = ""
        self.after_s: float | None = None
        self.server_version = "18"
        self._clock = SystemClock()
        self._began = self._clock.monotonic()

    def begins(self) -> None:
        """The break, or the start of looking where the break came before it, is now."""
        self._began = self._clock.monotonic()

    def answers(self, given: str, after_s: float | None = None) -> None:
        """The right answer was given just now, or so many seconds after the beginning."""
        self.given = given
        self.after_s = self._clock.monotonic() - self._began if after_s is None else after_s

    def raises_nothing(self) -> None:
        """The situation is healthy and nothing was raised."""
        self.given, self.after_s = "nothing", None


@pytest.fixture
def wild(request: pytest.FixtureRequest) -> Iterator[Wild]:
    marker = request.node.get_closest_marker("situation")
    if marker is None:
        pytest.fail("a test of a situation needs @pytest.mark.situation(number, title, *sources)")
    number, title, *sources = marker.args
    answer = Wild()
    yield answer
    passed = not request.node.stash.get(FAILED, False) and bool(answer.given)
    record(
        Answer(number, title, sources, request.node.name, answer.server_version, answer.given, answer.after_s, passed)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        item.stash[FAILED] = True
    return report
