"""A rig for each test, and the table of what was seen when."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fixtures.fleets import Cascade, Logical, Pair
from tests.zoo.rig import Rig, Watch

SCORES: list[tuple[str, str, float, str, float]] = []


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Start a rig over a topology that has settled: ``rig = watch(pair)``."""
    with ExitStack() as stack:

        def start(topology: Pair | Cascade | Logical, **options: object) -> Rig:
            rig = stack.enter_context(Rig(**options))  # type: ignore[arg-type]
            first, *others = topology.fleet.servers.values()
            dbname = topology.dbname if isinstance(topology, Logical) else "postgres"
            rig.watch(first, dbname=dbname, aliases=[f"127.0.0.1:{topology.proxy.port}"])
            for server in others:
                rig.watch(server, dbname=dbname)
            stack.callback(lambda: SCORES.extend((request.node.name, *score) for score in rig.scores))
            rig.settle(len(topology.fleet.links))
            return rig

        yield start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each fault took, in seconds from its injection."""
    if SCORES:
        terminalreporter.section("incident zoo")
        for fault, rule, detected_s, cause, cause_s in SCORES:
            name = fault.removeprefix("test_")
            terminalreporter.write_line(f"{name:45} {rule:24} {detected_s:5.1f} s  {cause:32} {cause_s:5.1f} s")
