"""Performs a scenario's actions on the real servers: the only place that changes them once the scenario has begun."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final

import psycopg

from leadline.errors import ProblemFound
from leadline_lab.demo.observed import Observed
from leadline_lab.demo.scenario import (
    Action,
    Configure,
    Export,
    FollowAdvice,
    Inject,
    Load,
    Repair,
    SkipConflict,
    describe,
)
from leadline_lab.faults.injection import Injection
from leadline_lab.faults.logical.conflicts import finish_lsns
from leadline_lab.faults.registry import FAULTS
from leadline_lab.faults.topologies import Logical
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.server_files import OnChange
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench

RISKS_TAKEN: Final = frozenset({"look", "safe", "careful"})
"""Of the steps of a fix. What cannot be undone is left to people, in a demo too."""
FAILS_AGAIN_S: Final = 15.0


class Actions:
    """Performs actions and keeps what they leave running, until ``close``. Blocks while it works."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._topologies: Mapping[str, Any] = {}
        self._running = ExitStack()

    def use(self, topologies: Mapping[str, Any]) -> None:
        """The topologies that faults are injected into, by name."""
        self._topologies = topologies

    def perform(self, action: Action, observed: Observed, on_change: OnChange) -> None:
        """Perform an action and report each change. Raises LeadlineError that says what could not be done."""
        try:
            self._perform(action, observed, on_change)
        except psycopg.Error as error:
            raise ProblemFound(f"{describe(action)}: {error}") from error
        finally:
            self._fleet.on_change = lambda _: None

    def close(self) -> None:
        """Stop everything that actions have left running."""
        self._running.close()

    def _perform(self, action: Action, observed: Observed, on_change: OnChange) -> None:
        if isinstance(action, Inject):
            injection = self._prepared(action.fault)
            self._fleet.on_change = on_change
            injection.inject(Surroundings())
            return
        self._fleet.on_change = on_change
        match action:
            case Load(node, rate):
                self._running.enter_context(pgbench(self._fleet.servers[node], rate=rate))
            case Configure(node, setting, value, restart):
                self._fleet.servers[node].configure(**{setting: value})
                if restart:
                    self._fleet.servers[node].restart()
            case FollowAdvice(cause):
                self._follow_advice(cause, observed)
            case SkipConflict():
                self._skip(self._topologies["logical"])
            case Export() | Repair():
                raise AssertionError("the environment runs commands")

    def _prepared(self, name: str) -> Injection[Any]:
        """Start a fault's course. Its preparations are not a part of the story, and are not reported."""
        fault = FAULTS[name]
        injection = Injection(fault, self._topologies[fault.topology])
        self._running.enter_context(injection)
        injection.prepare()
        return injection

    def _skip(self, logical: Logical) -> None:
        """Right after an attempt has failed: the next one comes after ``wal_retrieve_retry_interval``, and until then
        the agent's look shows what is set to be skipped."""
        subscriber = logical.subscriber
        before = len(finish_lsns(subscriber))
        eventually(
            f"{logical.subscription} on {subscriber.name} fails again",
            lambda: len(finish_lsns(subscriber)) > before,
            FAILS_AGAIN_S,
        )
        logical.alter(f"SKIP (lsn = '{finish_lsns(subscriber)[-1]}')")

    def _follow_advice(self, code: str, observed: Observed) -> None:
        steps = next((cause.steps for cause in observed.causes if cause.code == code), [])
        statements = [step for step in steps if step.sql is not None and step.risk in RISKS_TAKEN]
        if not statements:
            raise ProblemFound(f"the incident gives no statements to run for {code}: {steps or 'it does not name it'}")
        for step in statements:
            if step.node not in self._fleet.servers:
                raise ProblemFound(f"the incident gives a statement for {step.node}, which is not a server of the demo")
            self._fleet.servers[step.node].execute(str(step.sql).rstrip(";"), dbname=step.database or "postgres")


class Surroundings:
    """The demo as the surroundings of an injection: time passes; agents are not stopped."""

    def steady(self, seconds: float) -> None:
        """Wait. The expectations of the step show whether an alert fires."""
        threading.Event().wait(seconds)

    def begins(self) -> None:
        """The scenario keeps its own time."""

    def stop_agent(self, node: str) -> None:
        """Raises ProblemFound."""
        raise ProblemFound(f"the demo cannot stop the agent of {node}")

    def start_agent(self, node: str) -> None:
        """Raises ProblemFound."""
        raise ProblemFound(f"the demo cannot start the agent of {node}")

    def set_clock(self, node: str, ahead_s: float) -> None:
        """Raises ProblemFound."""
        raise ProblemFound(f"the demo cannot set the clock of {node} by {ahead_s:g} s")
