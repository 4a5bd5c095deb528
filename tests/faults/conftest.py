"""A Kafka for these tests alone, and the rows of counts."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from bench.marks import surroundings
from tests.faults.account import Counted, wrong
from tests.faults.page import FAULTS, RESULT, line
from tests.fixtures.brokers import create_topics
from tests.fixtures.kafka import Kafka, version
from tests.integration.streams.kit import PARTITIONS, Topics

ROWS: list[dict[str, Any]] = []
Report = Callable[..., None]


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """One broker, which every test leaves as it found it. Never one that is there already: tests here kill it."""
    with Kafka() as kafka:
        yield kafka


@pytest.fixture
def topics(kafka: Kafka, prefix: str) -> Topics:
    """Of the test's own."""
    create_topics(kafka, prefix, PARTITIONS)
    return Topics(kafka.bootstrap, prefix)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Record the counts, and assert that those which must be zero are."""

    def put_down(fault: str, times: int, *counted: Counted, ended: Sequence[str] | None = None) -> None:
        assert fault in FAULTS
        row = {"fault": fault, "times": times}
        for each in counted:
            row |= asdict(each)
        if ended is not None:
            row |= {"restarts": len(ended), "ended": list(ended)}
        request.node.user_properties.append(("fault", row))
        assert wrong(*counted) == {}

    return put_down


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep a test's rows, which may come from another process."""
    if report.when == "teardown":
        ROWS.extend(row for key, row in report.user_properties if key == "fault")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this run counted, in the process that has all rows."""
    if ROWS and not hasattr(session.config, "workerinput"):
        RESULT.parent.mkdir(exist_ok=True)
        found: dict[str, Any] = {**surroundings(), "kafka": f"Apache Kafka {version()}"}
        found["faults"] = sorted(ROWS, key=lambda row: row["fault"])
        RESULT.write_text(json.dumps(found, indent=2) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts."""
    if ROWS:
        terminalreporter.section("faults")
        for row in sorted(ROWS, key=lambda row: row["fault"]):
            terminalreporter.write_line(line(row))
