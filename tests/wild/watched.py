"""Servers watched as people do at first: named ``host:port``, by the real agents and the whole judgement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident
from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.judge.policy import Override
from tests.zoo.observation import Observation
from tests.zoo.outputs import as_line, state_lines
from tests.zoo.steps import unusable_steps


class Watched:
    """The outputs while servers are watched. Every rule fires after five seconds."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self._outputs = observation.outputs
        self._begin = SystemClock().monotonic()

    def fires(self, rule: str, within_s: float = 20.0) -> Transition:
        """The rule fires; its transition."""
        self.until(f"{rule} fires", lambda: self._transition(rule, "firing") is not None, within_s)
        found = self._transition(rule, "firing")
        assert found is not None
        return found

    def names(self, cause: str, within_s: float = 20.0) -> Cause:
        """The cause comes first in an open incident; it, once its statements that look have run on the servers."""
        self.until(f"{cause} is the first cause", lambda: self._first(cause) is not None, within_s)
        found = self._first(cause)
        assert found is not None
        for problem in unusable_steps([found], self.observation.servers):
            self.fail(problem)
        return found

    def mentions(self, cause: str, within_s: float = 20.0) -> Cause:
        """An open incident names the cause, first or not."""
        self.until(f"{cause} is named", lambda: self._among(cause) is not None, within_s)
        found = self._among(cause)
        assert found is not None
        return found

    def ends(self, within_s: float = 40.0) -> None:
        """No incident stays open."""
        self.until("every incident ends", lambda: all(one.state == "resolved" for one in self.incidents()), within_s)

    def quiet(self, seconds: float) -> None:
        """Nothing fires for this long."""
        since = len(self._outputs)
        with suppress(UnreachableError):
            eventually("an alert", lambda: self._checked(self._outputs.any_fired(since)), seconds)
        if self._outputs.any_fired(since):
            self.fail(f"nothing fires for {seconds:g} s")

    def stays(self, rule: str, seconds: float) -> None:
        """The rule fires and does not resolve for this long."""
        with suppress(UnreachableError):
            eventually(f"{rule} ends", lambda: self._checked(self._transition(rule, "resolved") is not None), seconds)
        if self._transition(rule, "firing") is None or self._transition(rule, "resolved") is not None:
            self.fail(f"{rule} stays for {seconds:g} s")

    def until(self, event: str, check: Callable[[], bool], within_s: float = 20.0) -> None:
        """Wait for something. Fails with all that was put out."""
        try:
            eventually(event, lambda: self._checked(check()), within_s)
        except UnreachableError as error:
            self.fail(str(error))

    def incidents(self) -> list[Incident]:
        """The newest record of each incident."""
        return list({one.incident_id: one for _, one in self._outputs if isinstance(one, Incident)}.values())

    def fired(self) -> set[str]:
        """The rules that fired."""
        return {one.rule for _, one in self._outputs if isinstance(one, Transition) and one.to == "firing"}

    def fail(self, why: str) -> None:
        """Fail with all that was put out."""
        lines = [f"{at - self._begin:7.1f} s  {as_line(output)}" for at, output in self._outputs]
        lines += self.observation.ask(lambda state: list(state_lines(state.memory)))
        pytest.fail("\n".join([why, *lines]), pytrace=False)

    def _checked(self, outcome: bool) -> bool:
        self.observation.check()
        return outcome

    def _transition(self, rule: str, to: str) -> Transition | None:
        found = (one for _, one in self._outputs if isinstance(one, Transition))
        return next((one for one in found if (one.rule, one.to) == (rule, to)), None)

    def _among(self, cause: str) -> Cause | None:
        found = (each for one in self.incidents() if one.state == "open" for each in one.causes)
        return next((each for each in found if each.code == cause), None)

    def _first(self, cause: str) -> Cause | None:
        found = [one.causes[0] for one in self.incidents() if one.state == "open" and one.causes]
        found += [one.causes[0] for _, one in self._outputs if isinstance(one, Transition) and one.causes]
        return next((each for each in found if each.code == cause), None)


def address(server: Server) -> str:
    """The name of a server for which nobody chose one."""
    return f"{HOST}:{server.port}"


@contextmanager
def watched(
    servers: Sequence[Server], dbname: str = "postgres", rules: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Watched]:
    """Watch servers inside the block. ``rules``: limits other than the defaults, by rule."""
    overrides = [Override(rules={name: dict(limits) for name, limits in (rules or {}).items()})]
    observation = Observation(servers, dbname, overrides, address)
    try:
        observation.start_agents({}, {})
        yield Watched(observation)
    finally:
        observation.close()
