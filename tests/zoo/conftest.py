"""A rig for each test, its topology in each version, and the table of what was seen when."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import pytest

from leadline.clock import SystemClock
from leadline_lab.sandbox.fleet import Fleet
from leadline_streams.judge.policy import Override
from tests.fixtures.fleets import Cascade, Logical, Pair, Shelf, make_cascade, make_logical, make_pair
from tests.fixtures.postgres_versions import binaries_for
from tests.zoo import score, versions
from tests.zoo.rig import Rig, Watch
from tests.zoo.score import Control, Score

SCORES: list[Score] = []
CONTROLS: list[Control] = []
FAILED: set[str] = set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test once per version."""
    if "major" in metafunc.fixturenames:
        metafunc.parametrize(
            "major", versions.majors_of(metafunc.definition), ids=versions.label, indirect=True, scope="session"
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The older versions first: the longest test of their handful, begun last, would be all that still runs."""
    items.sort(key=lambda item: _parameters(item).get("major", versions.NEW))


@pytest.fixture(scope="session")
def major(request: pytest.FixtureRequest) -> int:
    """PostgreSQL's major version."""
    assert isinstance(request.param, int)
    return request.param


@pytest.fixture
def pair(shelf: Shelf, major: int) -> Iterator[Pair]:
    with shelf.lend(make_pair, major) as pair:
        yield pair


@pytest.fixture
def cascade(shelf: Shelf, major: int) -> Iterator[Cascade]:
    with shelf.lend(make_cascade, major) as cascade:
        yield cascade


@pytest.fixture
def logical(shelf: Shelf, major: int) -> Iterator[Logical]:
    with shelf.lend(make_logical, major) as logical:
        yield logical


@pytest.fixture
def fleet(major: int) -> Iterator[Fleet]:
    """Servers of the test's own, for faults that cannot be healed."""
    with Fleet(binaries_for(major)) as fleet:
        yield fleet


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Start a rig over a topology that has settled: ``rig = watch(pair)``."""
    with ExitStack() as stack:

        def start(
            topology: Pair | Cascade | Logical,
            overrides: Sequence[Override] = (),
            datacenters: Mapping[str, str] = MappingProxyType({}),
        ) -> Rig:
            first, *others = topology.fleet.servers.values()
            version = str(first.value("SHOW server_version")).split()[0]
            rig = stack.enter_context(Rig(_name(request.node.name), version, overrides))
            stack.callback(topology.proxy.heal)
            dbname = "app" if isinstance(topology, Logical) else "postgres"
            rig.watch(first, dbname=dbname, aliases=[f"127.0.0.1:{topology.proxy.port}"])
            for server in others:
                rig.watch(server, dbname=dbname, datacenter=datacenters.get(server.name, "fra1"))
            stack.callback(lambda: request.node.user_properties.extend(("zoo", asdict(one)) for one in rig.measured()))
            rig.settle(len(topology.fleet.links))
            return rig

        yield start


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test measured, which may come from another process. A test that failed named no cause."""
    if report.failed:
        FAILED.add(report.nodeid)
    if report.when != "teardown" or report.skipped:
        return
    ok = report.nodeid not in FAILED
    name = _name(report.nodeid.rpartition("::")[2])
    if "control" in report.keywords:
        CONTROLS.append(Control(name, _major(report.nodeid), ok))
        return
    found = [Score(**value) for key, value in report.user_properties if key == "zoo" and isinstance(value, dict)]
    if not ok:
        found = found or [Score(name, _major(report.nodeid), "")]
        for one in found:
            one.ranked_first = False
    SCORES.extend(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each fault took, and what all of them say; a run of whole versions is kept for the page."""
    if not SCORES and not CONTROLS:
        return
    found = score.result(SCORES, CONTROLS, _about())
    terminalreporter.section("incident zoo")
    for line in score.lines(found):
        terminalreporter.write_line(line)
    if versions.asked_for():
        score.save(found)


def _about() -> Mapping[str, Any]:
    return {
        "measured_on": f"{SystemClock().now():%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores",
        "python": f"Python {platform.python_version()}",
    }


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _name(test: str) -> str:
    """A fault's name: its test's, with what the test is parametrized by but for the version."""
    name, _, parameters = test.removeprefix("test_").removesuffix("]").partition("[")
    others = [each for each in parameters.split("-") if each not in ("postgresql", _major(test), "")]
    return "_".join([name, *others])


def _major(test: str) -> str:
    return test.partition("postgresql-")[2].partition("-")[0].rstrip("]")
