"""Servers watched as people begin: named by their addresses, with the default rules, by the agent's own looks."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

import pytest

from leadline import wire
from leadline.clock import SystemClock
from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident
from leadline.model.observation import Tick
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_cli.watch import node_names
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import LinkState
from leadline_streams.rules import RULES

INTERVAL_S = 1.0


class Watching:
    """Agents for some servers and the judgement of what they see, in step with the test.

    ``for_s``: as ``leadline watch --for``, for every rule. ``rules``: other limits.
    """

    def __init__(self, *dsns: str, for_s: float | None = None, rules: Mapping[str, Mapping[str, Any]] = {}) -> None:
        limits: dict[str, dict[str, Any]] = {name: {"for_s": for_s} if for_s is not None else {} for name in RULES}
        for name, given in rules.items():
            limits[name].update(given)
        self.clock = SystemClock()
        self.state = ClusterState("main", judgement(Policy(lateness_s=0.0, rules=limits)))
        self.outputs: list[Any] = []
        instances = [
            InstanceSettings(dsn=Secret(dsn), name=name, cluster="main")
            for dsn, name in zip(dsns, node_names(dsns), strict=True)
        ]
        settings = AgentSettings(instances=instances, interval_s=INTERVAL_S)
        self._samplers = [Sampler(instance, settings, self.clock, patience_s=5.0) for instance in instances]
        self._loop = asyncio.new_event_loop()

    def look(self, times: int = 1) -> None:
        """Look at every server so many times, a second apart."""
        for _ in range(times):
            began = self.clock.monotonic()
            self._loop.run_until_complete(self._look())
            threading.Event().wait(max(0.0, began + INTERVAL_S - self.clock.monotonic()))

    def until(self, what: str, check: Callable[[], Any], within_s: float = 30.0) -> None:
        """Look until something holds; the test fails when that takes longer."""
        began = self.clock.monotonic()
        while not check():
            if self.clock.monotonic() - began > within_s:
                pytest.fail(f"not within {within_s:g} s: {what}\n{self.history()}", pytrace=False)
            self.look()

    @property
    def links(self) -> list[LinkState]:
        """Every link."""
        return list(self.state.memory.links.values())

    @property
    def fired(self) -> set[str]:
        """Every rule that fired."""
        return {each.rule for each in self._transitions() if each.to == "firing"}

    @property
    def pending(self) -> set[str]:
        """Every rule that was breached, whether it fired or not."""
        return {each.rule for each in self._transitions()}

    def summary(self, rule: str) -> str:
        """The summary of the last alert of a rule that fired."""
        lines = [each.summary for each in self._transitions() if each.rule == rule and each.to == "firing"]
        return lines[-1] if lines else ""

    def cause(self, code: str) -> Cause | None:
        """A cause of the newest incident record, where it is the first one."""
        records = [each for each in self.outputs if isinstance(each, Incident)]
        first = records[-1].causes[0] if records and records[-1].causes else None
        return first if first is not None and first.code == code else None

    def history(self) -> str:
        """All outputs, and the present state of each link, for a test that fails."""
        from tests.zoo.outputs import as_line, state_lines

        lines = [as_line(each) for each in self.outputs if isinstance(each, Transition | Incident)]
        return "\n".join([*lines, *state_lines(self.state.memory)])

    def close(self) -> None:
        """End the agents."""
        for sampler in self._samplers:
            self._loop.run_until_complete(sampler.close())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _transitions(self) -> list[Transition]:
        return [each for each in self.outputs if isinstance(each, Transition)]

    async def _look(self) -> None:
        self.outputs += self.state.tick(self.clock.now())  # time has passed while the test did something else
        for pair in await asyncio.gather(*(sampler.look() for sampler in self._samplers)):
            for observation in pair:
                if observation is not None:
                    received = wire.OBSERVATIONS.decode(wire.encode(observation))
                    assert not isinstance(received, Tick)
                    self.outputs += self.state.observe(received)
        self.outputs += self.state.tick(self.clock.now())
