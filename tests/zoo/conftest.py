"""A rig for each test, and the table of what was seen when."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType

import pytest

from leadline.sandbox.fleet import Fleet
from leadline_streams.judge.policy import Override
from tests.fixtures.fleets import Cascade, Logical, Pair
from tests.zoo.rig import Rig, Watch

ROWS: list[str] = []


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Start a rig over a topology that has settled: ``rig = watch(pair)``."""
    name = request.node.name.removeprefix("test_")
    with ExitStack() as stack:

        def start(
            topology: Pair | Cascade | Logical,
            overrides: Sequence[Override] = (),
            datacenters: Mapping[str, str] = MappingProxyType({}),
        ) -> Rig:
            rig = stack.enter_context(Rig(overrides))
            stack.callback(topology.proxy.heal)
            first, *others = topology.fleet.servers.values()
            dbname = "app" if isinstance(topology, Logical) else "postgres"
            rig.watch(first, dbname=dbname, aliases=[f"127.0.0.1:{topology.proxy.port}"])
            for server in others:
                rig.watch(server, dbname=dbname, datacenter=datacenters.get(server.name, "fra1"))
            stack.callback(
                lambda: request.node.user_properties.extend(("zoo", score.line(name)) for score in rig.scores)
            )
            rig.settle(len(topology.fleet.links))
            return rig

        yield start


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Servers of the test's own, for faults that cannot be healed."""
    with Fleet() as fleet:
        yield fleet


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep a test's rows, which may come from another process."""
    if report.when == "teardown":
        ROWS.extend(str(row) for key, row in report.user_properties if key == "zoo")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each fault took: to the alert, to its cause as the first, and to the end after it was healed."""
    if ROWS:
        terminalreporter.section("incident zoo")
        for row in sorted(ROWS):
            terminalreporter.write_line(row)
