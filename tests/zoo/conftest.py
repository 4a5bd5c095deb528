"""A rig for each test, its topology in each version, and the table of what was measured."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from leadline.clock import SystemClock
from leadline_lab.faults.fault import Fault
from leadline_lab.faults.topologies import Cascade, Logical, Pair, make_cascade, make_pair
from leadline_lab.sandbox.fleet import Fleet
from leadline_streams.judge.policy import Override
from leadline_streams.rules import RULES
from tests.fixtures.fleets import Shelf
from tests.fixtures.postgres_versions import binaries_for
from tests.zoo import score, versions
from tests.zoo.form import NAMED, Form
from tests.zoo.rig import Rig, make_rig, node_names
from tests.zoo.score import Control, Score

Watch = Callable[..., Rig]
"""Starts a rig over a topology: ``rig = watch(pair)``."""
Lend = Callable[..., Any]
"""Lends the topology of a fault in a form: ``lend(fault, form)``."""

RESTARTS = Override(
    rules={rule: {"for_s": RULES[rule].limits.for_s} for rule in ("node_down", "replication_cut_off", "slot_inactive")}
)
"""For courses that restart servers: a restart is no fault as long as it takes no longer than in production."""

SCORES: list[Score] = []
CONTROLS: list[Control] = []
FAILED: set[str] = set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each special test once per version; those of the registry are parametrised where they are."""
    if "major" in metafunc.fixturenames and "fault" not in metafunc.fixturenames:
        older = metafunc.definition.get_closest_marker("older") is not None
        majors = versions.majors_for(0, older)
        metafunc.parametrize("major", majors, ids=versions.label, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The zoo, whose tests are long, before all others; in it the older versions first: the longest test of their
    handful, begun last, would be all that still runs.
    """
    items.sort(key=lambda item: _parameters(item).get("major", versions.NEW) if _of_zoo(item) else versions.NEW + 1)


@pytest.fixture(scope="session")
def major(request: pytest.FixtureRequest) -> int:
    """PostgreSQL's major version."""
    assert isinstance(request.param, int)
    return request.param


@pytest.fixture
def lend(shelf: Shelf, major: int) -> Iterator[Lend]:
    """Lend the topology of a fault until the end of the test. New servers where the fault needs servers of its own, or
    is tried in another form too: its tables are there by then. They are healthy: of a fault that begins unseen, nothing
    else would show that it begins when all tables are copied.
    """
    with ExitStack() as stack:

        def lent(fault: Fault[Any], form: Form = NAMED) -> Any:
            plain, slots = form.plain, not form.plain or fault.needs_slot
            if fault.own_servers or form.late:
                topology = fault.make(stack.enter_context(Fleet(binaries_for(major), plain=plain, slots=slots)))
                topology.fleet.wait_caught_up()
                return topology
            return stack.enter_context(shelf.lend(fault.make, major, plain=plain, slots=slots))

        yield lent


@pytest.fixture
def pair(shelf: Shelf, major: int) -> Iterator[Pair]:
    with shelf.lend(make_pair, major) as pair:
        yield pair


@pytest.fixture
def new_cascade(major: int) -> Iterator[Cascade]:
    with Fleet(binaries_for(major)) as fleet:
        yield make_cascade(fleet)


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Start a rig over a topology; with ``fault``, under its name and with the limits it needs.

    The topology is healthy, and the rig waits until it has seen that; a rig of a form that is late does not wait.
    """
    with ExitStack() as stack:

        def start(topology: Pair | Logical, fault: Fault[Any] | None = None, form: Form = NAMED) -> Rig:
            fleet = topology.fleet
            without_agent = fault.without_agent if fault is not None else frozenset()
            servers = [server for server in fleet.servers.values() if server.name not in without_agent]
            rig = make_rig(
                fault.name if fault is not None else _name(request.node.name),
                servers[0].version,
                servers,
                dbname=database_of(topology),
                overrides=_overrides(fault, node_names(servers, plain=form.plain)) if fault is not None else (),
                datacenters=fault.datacenters if fault is not None else MappingProxyType({}),
                aliases={servers[0].name: [f"127.0.0.1:{topology.proxy.port}"]},
                form=form,
            )
            stack.enter_context(rig)
            stack.callback(topology.proxy.heal)
            stack.callback(setattr, fleet, "on_change", fleet.on_change)
            fleet.on_change = rig.changed
            stack.callback(lambda: request.node.user_properties.extend(("zoo", asdict(one)) for one in rig.measured()))
            if form.late:
                rig.begins()
            else:
                rig.settle(len(fleet.links))
            return rig

        yield start


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test of the zoo measured, which may come from another process. One that failed named no cause."""
    if "zoo" not in report.keywords:
        return
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
        found = found or [Score(name, _major(report.nodeid), "", form=_form(report.nodeid))]
        for one in found:
            one.ranked_first = False
    SCORES.extend(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Times and causes of each fault, then of all together; a run of whole versions is kept for the page."""
    if not SCORES and not CONTROLS:
        return
    found = score.result(SCORES, CONTROLS, _about())
    terminalreporter.section("incident zoo")
    for line in score.lines(found):
        terminalreporter.write_line(line)
    if versions.requested():
        score.save(found)


def database_of(topology: Pair | Logical) -> str:
    """The database that agents connect to."""
    return topology.database if isinstance(topology, Logical) else "postgres"


def _overrides(fault: Fault[Any], names: Mapping[str, str]) -> Sequence[Override]:
    declared = [Override(node=names[server], rules=dict(rules)) for server, rules in fault.limits.items()]
    return [*([RESTARTS] if fault.restarts else []), *declared]


def _about() -> Mapping[str, Any]:
    return {
        "measured_on": f"{SystemClock().now():%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores",
        "python": f"Python {platform.python_version()}",
    }


def _of_zoo(item: pytest.Item) -> bool:
    return item.path.is_relative_to(Path(__file__).parent)


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _name(test: str) -> str:
    """The name of a fault or control: the registry's where the test is ``test_zoo``, otherwise the test's own."""
    name, _, parameters = test.removeprefix("test_").removesuffix("]").partition("[")
    return parameters.partition("-")[0] if name == "zoo" else name


def _form(test: str) -> str:
    return test.partition("[")[2].partition("postgresql-")[0].partition("-")[2].rstrip("-")


def _major(test: str) -> str:
    return test.partition("postgresql-")[2].rstrip("]")
