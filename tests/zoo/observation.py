"""The real agents and the real judgement over real servers, in a thread of this process.

An agent looks once a second as the role that has pg_monitor and nothing more; its observations go to the judgement in
the bytes that would go over the wire.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

import pytest

from leadline import wire
from leadline.clock import SystemClock
from leadline.errors import BadRecord
from leadline.model.finding import EngineVitals
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.settings.agent import AgentSettings, InstanceSettings, QueryText, Wire
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Override, Policy
from leadline_streams.rules import RULES
from tests.zoo.advice import Advice
from tests.zoo.outputs import Outputs

T = TypeVar("T")

CLUSTER = "zoo"
INTERVAL_S = 1.0
PATIENCE_S = 5.0
"""For a look in step with a test, which waits for it."""
WIRE = "LEADLINE_TEST_WIRE"
"""Names the variable of the environment that asks for looks in the other form: ``whole``."""
FOR_S = 5.0
KEEP_S = 1.0
LATENESS_S = 0.5
TIGHT = {"replication_lag": {"warning": 4.0}, "replication_lag_bytes": {"warning": 1e6}}
"""Levels that production would not have: a test does not wait for half a minute of lag."""


class HostClock(SystemClock):
    """The clock of a host, which may be set wrong. Monotonic time is right."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


def quick(overrides: Sequence[Override] = ()) -> Policy:
    """Every rule fires after five seconds: a test measures detection, not waiting."""
    rules = {name: {"for_s": FOR_S, "keep_s": KEEP_S, **TIGHT.get(name, {})} for name in RULES}
    return Policy(lateness_s=LATENESS_S, quiet_s=KEEP_S, rules=rules, overrides=tuple(overrides))


class Observation:
    """Agents for some servers, and the judgement of what they observe, until ``close``."""

    def __init__(
        self,
        dsns: Mapping[str, str],
        policy: Policy,
        query_text: QueryText = "full",
        ways: Mapping[str, str] | None = None,
    ) -> None:
        """``dsns``: the connection string of each agent, by the name under which its server is watched.

        ``ways``: those of the servers themselves, where agents use others.
        """
        self.clock = SystemClock()
        self.outputs = Outputs()
        self.advice = Advice(ways or dsns)
        self.dsns = dsns
        self._query_text = query_text
        self._wire: Wire = "whole" if os.environ.get(WIRE) == "whole" else "vitals"
        self._datacenters: Mapping[str, str] = {}
        self._aliases: Mapping[str, Sequence[str]] = {}
        self._judgement = judgement(policy)
        self._state = ClusterState(CLUSTER, self._judgement)
        self._agents: dict[str, list[asyncio.Task[None]]] = {}
        self._stepped: list[Sampler] = []
        self._clocks: dict[str, HostClock] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="observation", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look once at every server, in step with the caller: an alternative to ``start_agents``."""
        self._do(self._look())

    def start_agents(self, datacenters: Mapping[str, str], aliases: Mapping[str, Sequence[str]]) -> None:
        """Start an agent for every server, by name: its datacenter, and ``host:port`` of the proxies before it."""
        self._datacenters, self._aliases = datacenters, aliases
        self._ticking = self._start(self._tick())
        for name in self.dsns:
            self.start_agent(name)

    def start_agent(self, node: str, dsn: str = "") -> None:
        """Start an agent of a server, a second one where there is one; it may read another server than it should."""
        self._agents.setdefault(node, []).append(self._start(self._sampler(node, dsn=dsn).run(self._observe)))

    def stop_agent(self, node: str) -> None:
        """Kill the agent of a server, the newest where there are several."""
        self._stop(self._agents[node].pop())

    def set_clock(self, node: str, ahead_s: float) -> None:
        """Set the clock of the host of an agent this far ahead, or back when negative."""
        self._clocks[node].ahead_s = ahead_s

    def restart_judgement(self) -> None:
        """Continue from saved state, as a worker does that takes over from another."""
        self.ask(lambda _: setattr(self, "_state", ClusterState.load(self._state.dump(), self._judgement)))

    def ask(self, question: Callable[[ClusterState], T]) -> T:
        """Read the state in the thread that changes it."""

        async def asked() -> T:
            return question(self._state)

        return self._do(asked())

    def check(self) -> None:
        """Raise the error that ended an agent or the ticks, or AssertionError when an advice was harmful."""
        self.advice.check()
        for work in (self._ticking, *chain.from_iterable(self._agents.values())):
            if work is not None and work.done():
                work.result()

    def close(self) -> None:
        """Stop every agent and the judgement. Raises AssertionError when an advice was harmful."""
        for node, agents in self._agents.items():
            while agents:
                self.stop_agent(node)
        if self._ticking is not None:
            self._stop(self._ticking)
        self._do(self._close_stepped())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.advice.close()

    def _sampler(self, node: str, patience_s: float | None = None, dsn: str = "") -> Sampler:
        instance = InstanceSettings(
            dsn=Secret(dsn or self.dsns[node]),
            name=node,
            cluster=CLUSTER,
            datacenter=self._datacenters.get(node, "fra1"),
            aliases=list(self._aliases.get(node, [])),
        )
        settings = AgentSettings(
            instances=[instance], interval_s=INTERVAL_S, query_text=self._query_text, wire=self._wire
        )
        clock = self._clocks[node] = HostClock()
        return Sampler(instance, settings, clock, patience_s=patience_s)

    # In the thread

    async def _look(self) -> None:
        self._stepped = self._stepped or [self._sampler(node, PATIENCE_S) for node in self.dsns]
        self._keep(self._state.tick(self.clock.now()))  # time has passed while the test did something else
        for pair in await asyncio.gather(*(sampler.look() for sampler in self._stepped)):
            for observation in pair:
                if observation is not None:
                    self._observe(observation)
        self._keep(self._state.tick(self.clock.now()))

    async def _close_stepped(self) -> None:
        for sampler in self._stepped:
            await sampler.close()

    def _observe(self, observation: Sample | NodeSettings | EngineVitals) -> None:
        received = wire.OBSERVATIONS.decode(wire.encode(observation))
        assert not isinstance(received, Tick)
        try:
            self._keep(self._state.observe(received))
        except BadRecord as error:
            pytest.fail(f"an observation is refused: {error}: {received}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S / 2)
            self._keep(self._state.tick(self.clock.now()))

    def _keep(self, outputs: Sequence[Any]) -> None:
        self.outputs.add(self.clock.monotonic(), outputs)
        self.advice.observe(outputs)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def started() -> asyncio.Task[None]:
            return asyncio.create_task(work)

        return self._do(started())

    def _stop(self, task: asyncio.Task[None]) -> None:
        async def ended() -> None:
            task.cancel()
            await asyncio.wait({task})

        self._do(ended())
