"""The real agent and the real judgement over real servers, in this process: what do they say of a fault, and when?

The agent looks as the role that has pg_monitor and nothing more, once a second; what it sees goes over the wire's bytes
to the judge. Every rule fires after five seconds, so that what is measured is the seeing, not the waiting.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import inf
from typing import Any, NoReturn, Self, TypeVar

import pytest

from leadline import wire
from leadline.clock import SystemClock
from leadline.errors import BadRecord, UnreachableError
from leadline.model.alert import Verdict
from leadline.model.incident import Incident
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Override, Policy
from leadline_streams.rules import RULES
from tests.zoo.hosts import MESSAGE, HostClock, write
from tests.zoo.said import Said
from tests.zoo.score import Score
from tests.zoo.story import line_of, standing

T = TypeVar("T")
Watch = Callable[..., "Rig"]
"""Starts a rig over a topology: ``rig = watch(pair)``."""

INTERVAL_S = 1.0
FOR_S = 5.0
KEEP_S = 1.0
LATENESS_S = 0.5
WITHIN_S = 15.0
RESOLVED_S = 30.0
"""A walreceiver needs a retry or two, a stream that was held its backlog."""
TIGHT = {"replication_lag": {"warning": 4.0}, "replication_lag_bytes": {"warning": 1e6}}
"""Levels that production would not have: a test does not wait for half a minute of lag."""
CALM = ("idle", "healthy")
RESTARTS = Override(
    rules={rule: {"for_s": RULES[rule].limits.for_s} for rule in ("node_down", "replication_cut_off", "slot_inactive")}
)
"""For a test that restarts servers on purpose: that is no fault as long as it takes no longer than in production."""


class Rig:
    """Watches servers from ``watch`` until ``close``; tests break them and say what they expect."""

    def __init__(self, name: str, version: str, overrides: Sequence[Override] = ()) -> None:
        """``name`` and ``version``: the fault and PostgreSQL's version, as the scores tell them."""
        self._policy = Policy(
            lateness_s=LATENESS_S,
            quiet_s=KEEP_S,
            rules={name: {"for_s": FOR_S, "keep_s": KEEP_S, **TIGHT.get(name, {})} for name in RULES},
            overrides=tuple(overrides),
        )
        self._scores: list[Score] = []
        self._name, self._version = name, version
        self._clock = SystemClock()
        self._state = ClusterState("zoo", judgement(self._policy))
        self._said = Said()
        self._agents: dict[str, asyncio.Task[None]] = {}
        self._clocks: dict[str, HostClock] = {}
        self._marked = self._clock.monotonic()
        self._marks: list[float] = []
        """When the fault of each score was in."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rig", daemon=True)
        self._thread.start()
        self._ticking = self._start(self._tick())

    def watch(
        self, server: Server, *, dbname: str = "postgres", datacenter: str = "fra1", aliases: Sequence[str] = ()
    ) -> None:
        """Start an agent for a server; ``aliases`` are ``host:port`` of the proxies before it."""
        instance = InstanceSettings(
            dsn=Secret(server.dsn(dbname, AGENT)),
            name=server.name,
            cluster="zoo",
            datacenter=datacenter,
            aliases=list(aliases),
        )
        settings = AgentSettings(instances=[instance], interval_s=INTERVAL_S, query_text="full")
        clock = self._clocks[server.name] = HostClock()
        self._agents[server.name] = self._start(Sampler(instance, settings, clock).run(self._observe))

    def set_clock(self, name: str, ahead_s: float) -> None:
        """Set the clock of the host of one agent this far ahead; back when negative."""
        self._clocks[name].ahead_s = ahead_s

    def restart_judge(self) -> None:
        """Go on with what a worker remembers when it is stopped and another takes over."""
        self._call(lambda: setattr(self, "_state", ClusterState.load(self._state.dump(), judgement(self._policy))))

    def silence(self, name: str) -> None:
        """Kill the agent of one server."""
        self._stop(self._agents.pop(name))

    def settle(self, links: int, within: float = 20.0) -> None:
        """Wait until every link is well and every node's settings are known; then the clock of the fault starts."""
        self._wait(f"{links} calm links", lambda: self._is_calm(links), until=self._clock.monotonic() + within)
        self.mark()

    def mark(self) -> None:
        """The fault is in from here on."""
        self._marked = self._clock.monotonic()

    def expect(
        self,
        *,
        rule: str,
        cause: str,
        verdict: Verdict | None = None,
        link: str = "",
        within: float = WITHIN_S,
    ) -> Incident:
        """The rule fires, and this cause comes first in the open incident; the incident as it is then.

        ``verdict``: of any link, or of the one whose id ends in ``link``. ``within``: seconds from the fault on.
        """
        score = Score(self._name, self._version, cause, rule)
        self._scores.append(score)
        self._marks.append(self._marked)
        until = self._marked + within
        self._wait(f"{rule} fires", lambda: self._said.fired(rule, self._marked) is not None, until=until)
        self._wait(f"{cause} is the first cause", lambda: self._named_first(cause) is not None, until=until)
        if verdict is not None:
            self._wait(f"the verdict is {verdict}", lambda: verdict in self._verdicts(link), until=until)
        detected, named = self._said.fired(rule, self._marked), self._named_first(cause)
        incident = self._said.incident()
        if detected is None or named is None or incident is None:
            self._fail(f"{cause} was the first cause for a moment only")
        score.detected_s, score.cause_s, score.ranked_first = detected - self._marked, named - self._marked, True
        return incident

    def until_named(self, cause: str, subject: str = "") -> None:
        """The open incident names this cause too, on a subject whose id ends so."""

        def named() -> bool:
            causes = incident.causes if (incident := self._said.incident()) is not None else []
            return any(one.code == cause and one.subject.id.endswith(subject) for one in causes)

        self._wait(f"{cause} is named", named, until=self._clock.monotonic() + WITHIN_S)

    def until_fires(self, rule: str) -> None:
        """This rule fires too, if it has not already."""
        self._wait(
            f"{rule} fires too",
            lambda: self._said.fired(rule, self._marked) is not None,
            until=self._clock.monotonic() + WITHIN_S,
        )

    def expect_resolved(self, within: float = RESOLVED_S) -> None:
        """The incident ends, it was the only one, and its first cause stayed so: healing does not rewrite history."""

        began = self._clock.monotonic()
        score = self._scores[-1]

        def resolved() -> bool:
            incident = self._said.incident()
            return incident is not None and incident.state == "resolved"

        self._wait("the incident resolves", resolved, until=began + within)
        score.resolved_s = self._clock.monotonic() - began
        incident = self._said.incident()
        assert incident is not None
        if incident.causes[0].code != score.expected_cause:
            self._fail(f"{score.expected_cause} was first, and at the end it is {incident.causes[0].code}")
        if self._said.incidents() > 1:
            self._fail("one fault, one incident")

    def measured(self) -> list[Score]:
        """The numbers of each fault so far."""
        for score, (begin, end) in zip(self._scores, pairwise([*self._marks, inf]), strict=True):
            score.pages = self._said.incidents(begin, end if end > begin else inf)
        return self._scores

    def quiet(self, seconds: float) -> None:
        """Nothing may fire for this long from now on."""
        since = len(self._said)
        self._pause(seconds)
        self._see_to_it()
        if self._said.anything_fired(since):
            self._fail(f"nothing fires for {seconds:g} s")

    @contextmanager
    def writing(
        self,
        server: Server,
        *,
        every_s: float = 0.2,
        dbname: str = "postgres",
        statement: str = MESSAGE,
        size: int = 30_000,
    ) -> Iterator[None]:
        """A transaction now and then, as a quiet application: without writes there is nothing to be late with.

        ``size``: bytes of its message, or what else ``statement`` takes.
        """

        writer = self._start(write(server, statement, size, dbname, every_s))
        try:
            yield
        finally:
            self._stop(writer)

    def close(self) -> None:
        """End every agent, and everything else."""
        for name in list(self._agents):
            self.silence(name)
        self._stop(self._ticking)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # In the thread

    def _observe(self, observation: Sample | NodeSettings) -> None:
        seen = wire.OBSERVATIONS.decode(wire.encode(observation))
        assert not isinstance(seen, Tick)
        try:
            self._take(self._state.observe(seen))
        except BadRecord as error:
            pytest.fail(f"an observation of {seen.node.name} is refused: {error}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S / 2)
            self._take(self._state.tick(self._clock.now()))

    def _take(self, outputs: Sequence[Any]) -> None:
        self._said.take(self._clock.monotonic(), outputs)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._call(lambda: asyncio.create_task(work))

    def _stop(self, task: asyncio.Task[None]) -> None:
        async def ended() -> None:
            task.cancel()
            await asyncio.wait({task})

        asyncio.run_coroutine_threadsafe(ended(), self._loop).result()

    def _call(self, ask: Callable[[], T]) -> T:
        """Ask something in the thread that changes it."""

        async def asked() -> T:
            return ask()

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result()

    # What was said

    def _is_calm(self, links: int) -> bool:
        def calm() -> bool:
            memory = self._state.memory
            return (
                len(memory.links) == links
                and all(link.verdict in CALM for link in memory.links.values())
                and all(node.settings for node in memory.nodes.values())
                and not memory.alerts
            )

        return self._call(calm)

    def _verdicts(self, link: str) -> list[Verdict]:
        return self._call(lambda: [k.verdict for k in self._state.memory.links.values() if k.id.endswith(link)])

    def _named_first(self, cause: str) -> float | None:
        return self._said.first_cause_from(cause, self._marked)

    # Waiting and failing

    def _wait(self, what: str, check: Callable[[], bool], *, until: float) -> None:
        def checked() -> bool:
            self._see_to_it()
            return check()

        try:
            eventually(what, checked, max(0.0, until - self._clock.monotonic()))
        except UnreachableError as error:
            self._fail(str(error))

    def _see_to_it(self) -> None:
        """Raise what ended an agent or the ticks."""
        for work in (self._ticking, *self._agents.values()):
            if work.done():
                work.result()

    def _pause(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def _fail(self, why: str) -> NoReturn:
        pytest.fail(f"{why}\n{self._story()}", pytrace=False)

    def _story(self) -> str:
        """Everything that was said since the start, and how things are."""
        said = [f"{at - self._marked:7.1f} s  {line_of(one)}" for at, one in self._said]
        return "\n".join([*said, *self._call(lambda: standing(self._state.memory))])
