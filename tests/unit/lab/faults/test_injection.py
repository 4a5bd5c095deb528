"""A course runs from phase to phase, and each phase reaches whoever must act on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leadline_lab.faults.fault import (
    AgentStarted,
    AgentStopped,
    Broken,
    Course,
    Expected,
    Healed,
    Injected,
    Prepared,
    Steady,
    control,
    fault,
)
from leadline_lab.faults.injection import Injection
from leadline_lab.sandbox.fleet import Fleet

Log = list[str]


def make_log(fleet: Fleet) -> Log:
    raise AssertionError("no servers in a unit test")


class Recorder:
    """Surroundings that note what is asked of them."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def steady(self, seconds: float) -> None:
        self._log.append(f"steady {seconds:g}")

    def begins(self) -> None:
        self._log.append("begins")

    def stop_agent(self, node: str) -> None:
        self._log.append(f"stop agent of {node}")

    def start_agent(self, node: str) -> None:
        self._log.append(f"start agent of {node}")

    def set_clock(self, node: str, ahead_s: float) -> None:
        self._log.append(f"set clock of {node} {ahead_s:g} s ahead")


@contextmanager
def session(log: Log) -> Iterator[None]:
    try:
        yield
    finally:
        log.append("session closed")


@fault(make_log, Expected(rule="node_down", cause="standby_down"), variant="twice", since=16)
def broken_server(log: Log) -> Course:
    """A server is broken.

    The rest of the docstring is not its description.
    """
    log.append("prepare")
    yield Prepared()
    with session(log):
        yield Steady(3.0)
        log.append("break")
        yield AgentStopped("pg-2")
        yield Broken()
        yield Injected(summary=("pid 7",))
    log.append("repair")
    yield AgentStarted("pg-2")
    yield Healed()
    log.append("restore")


@control(make_log)
def healthy_server(log: Log) -> Course:
    """A server is healthy."""
    yield Prepared()
    yield Steady(1.0)
    log.append("end")


@fault(make_log, Expected(rule="node_down", cause="standby_down"))
def lost_server(log: Log) -> Course:
    """A server cannot be repaired."""
    yield Prepared()
    with session(log):
        yield Injected()
    log.append("restore")


def test_a_fault_is_its_course_with_data() -> None:
    """The name comes from the function, the description from the first line of its docstring."""
    assert (broken_server.name, broken_server.description) == ("broken_server_twice", "A server is broken.")
    assert (broken_server.since, broken_server.topology, healthy_server.expected) == (16, "log", None)


def test_every_phase_reaches_who_acts_on_it() -> None:
    """The fault begins at the injection, again after a steady phase, and where the course says so."""
    log: Log = []
    with Injection(broken_server, log) as injection:
        injection.prepare()
        assert log == ["prepare"]
        assert injection.inject(Recorder(log)) == Injected(summary=("pid 7",))
        assert log[1:] == ["begins", "steady 3", "begins", "break", "stop agent of pg-2", "begins"]
        assert injection.heal()
        assert log[7:] == ["session closed", "repair", "start agent of pg-2"]
        injection.restore()
    assert log[10:] == ["restore"]


def test_an_abandoned_course_closes_its_sessions_and_repairs_nothing() -> None:
    """As when a check fails, or when somebody else repairs the servers."""
    log: Log = []
    with Injection(broken_server, log) as injection:
        injection.prepare()
        injection.inject(Recorder(log))
    assert log[-1] == "session closed"
    assert "repair" not in log


def test_a_control_runs_to_its_end() -> None:
    """There is nothing to heal."""
    log: Log = []
    injection = Injection(healthy_server, log)
    injection.prepare()
    injection.inject(Recorder(log))
    assert log == ["begins", "steady 1", "begins", "end"]


def test_a_fault_that_cannot_be_healed_says_so() -> None:
    """Its preparations are removed all the same."""
    log: Log = []
    injection = Injection(lost_server, log)
    injection.prepare()
    injection.inject(Recorder(log))
    assert not injection.heal()
    assert log[1:] == ["session closed", "restore"]


def test_a_phase_too_many_is_an_error() -> None:
    """A course ends after Healed."""

    @fault(make_log, Expected(rule="node_down", cause="standby_down"))
    def healed_twice(log: Log) -> Course:
        """A server is healed twice."""
        yield from (Prepared(), Injected(), Healed(), Healed())

    injection = Injection(healed_twice, [])
    injection.prepare()
    injection.inject(Recorder([]))
    injection.heal()
    with pytest.raises(AssertionError, match="more phases"):
        injection.restore()
