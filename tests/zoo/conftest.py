"""A rig for each test, and the table of what was seen when."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType

import pytest

from leadline.sandbox.fleet import Fleet
from leadline_streams.judge.policy import Override
from tests.fixtures.fleets import Cascade, Logical, Pair
from tests.zoo.rig import Rig, Watch

SCORES: list[tuple[str, str, float, str, float]] = []


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Start a rig over a topology that has settled: ``rig = watch(pair)``."""
    with ExitStack() as stack:

        def start(
            topology: Pair | Cascade | Logical,
            overrides: Sequence[Override] = (),
            datacenters: Mapping[str, str] = MappingProxyType({}),
        ) -> Rig:
            rig = stack.enter_context(Rig(overrides))
            first, *others = topology.fleet.servers.values()
            dbname = "app" if isinstance(topology, Logical) else "postgres"
            rig.watch(first, dbname=dbname, aliases=[f"127.0.0.1:{topology.proxy.port}"])
            for server in others:
                rig.watch(server, dbname=dbname, datacenter=datacenters.get(server.name, "fra1"))
            stack.callback(lambda: SCORES.extend((request.node.name, *score) for score in rig.scores))
            rig.settle(len(topology.fleet.links))
            return rig

        yield start


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Servers of the test's own, for faults that cannot be healed."""
    with Fleet() as fleet:
        yield fleet


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each fault took, in seconds from its injection."""
    if SCORES:
        terminalreporter.section("incident zoo")
        for fault, rule, detected_s, cause, cause_s in SCORES:
            name = fault.removeprefix("test_")
            terminalreporter.write_line(f"{name:45} {rule:24} {detected_s:5.1f} s  {cause:32} {cause_s:5.1f} s")
