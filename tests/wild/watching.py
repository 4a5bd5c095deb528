"""Servers watched as people begin: named by their addresses, by the real agents and the whole judgement.

``Watching`` looks in step with the test, with the default rules; ``watched`` looks in the background, with rules that
fire after five seconds. The questions to both are the same.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Self, TypeVar

import pytest

from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident
from leadline_cli.servers import addresses
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.postgres import Server
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Override, Policy
from leadline_streams.rules import RULES
from tests.zoo.observation import INTERVAL_S, Observation, quick
from tests.zoo.outputs import as_line, state_lines
from tests.zoo.steps import unusable_steps

T = TypeVar("T")

HEALTHY = ("idle", "healthy")


class Watching:
    """Agents for some servers, each named ``host:port``, and the judgement of what they see.

    ``for_s``: as ``leadline watch --for``, for every rule. ``rules``: other limits. ``policy``: instead of both.
    ``ways``: to the servers themselves, by their names, where agents do not connect to their addresses.
    """

    def __init__(
        self,
        *dsns: str,
        for_s: float | None = None,
        rules: Mapping[str, Mapping[str, Any]] = {},
        policy: Policy | None = None,
        ways: Mapping[str, str] = {},
    ) -> None:
        named = dict(zip(ways or addresses(dsns), dsns, strict=True))
        self.observation = Observation(named, policy or _default(for_s, rules), "masked", ways)
        self._clock = self.observation.clock
        self._began = self._clock.monotonic()
        self._in_step = True

    def run(self, aliases: Mapping[str, Sequence[str]]) -> None:
        """From now on every agent looks once a second, and not in step with the test."""
        self._in_step = False
        self.observation.start_agents({}, aliases)

    def look(self, times: int = 1) -> None:
        """Look at every server so many times, a second apart."""
        for _ in range(times):
            began = self._clock.monotonic()
            if self._in_step:
                self.observation.look()
            self.observation.check()
            threading.Event().wait(max(0.0, began + INTERVAL_S - self._clock.monotonic()))

    # To wait for

    def until(self, what: str, check: Callable[[], Any], within_s: float = 30.0) -> None:
        """Look until something holds; the test fails when that takes longer."""
        began = self._clock.monotonic()
        while not check():
            if self._clock.monotonic() - began > within_s:
                self.fail(f"not within {within_s:g} s: {what}")
            if self._in_step:
                self.look()
            else:
                self.observation.check()
                threading.Event().wait(0.1)

    def fires(self, rule: str, within_s: float = 20.0) -> Transition:
        """The rule fires; its transition."""
        self.until(f"{rule} fires", lambda: self._to(rule, "firing"), within_s)
        return self._to(rule, "firing")[0]

    def names(self, code: str, within_s: float = 20.0, *, above: float = 0.0) -> Cause:
        """The cause comes first, with more than this confidence; it, once its statements that look were run."""

        def named() -> bool:
            found = self.cause(code)
            return found is not None and found.confidence > above

        self.until(f"{code} is the first cause", named, within_s)
        found = self.cause(code)
        if found is None:
            self.fail(f"{code} was the first cause for a moment only")
        for problem in unusable_steps([found], self.observation.dsns):
            self.fail(problem)
        return found

    def mentions(self, code: str, within_s: float = 20.0) -> Cause:
        """An open incident names the cause, first or not."""

        def among() -> list[Cause]:
            causes = (each for one in self.incidents() if one.state == "open" for each in one.causes)
            return [each for each in causes if each.code == code]

        self.until(f"{code} is named", among, within_s)
        return among()[0]

    def ends(self, within_s: float = 40.0) -> None:
        """No incident stays open."""
        self.until("every incident ends", lambda: {one.state for one in self.incidents()} <= {"resolved"}, within_s)

    def quiet(self, seconds: float) -> None:
        """Nothing fires for this long."""
        since = len(self.observation.outputs)
        self._watch(seconds, lambda: self.observation.outputs.any_fired(since))
        if self.observation.outputs.any_fired(since):
            self.fail(f"nothing fires for {seconds:g} s")

    def stays(self, rule: str, seconds: float) -> None:
        """The rule has fired and does not resolve for this long."""
        self._watch(seconds, lambda: bool(self._to(rule, "resolved")))
        if not self._to(rule, "firing") or self._to(rule, "resolved"):
            self.fail(f"{rule} stays for {seconds:g} s")

    # To ask

    def ask(self, question: Callable[[ClusterState], T]) -> T:
        """Read the judgement's state while it does not change."""
        return self.observation.ask(question)

    @property
    def state(self) -> ClusterState:
        """The judgement's state, which does not change between two looks in step."""
        return self.ask(lambda state: state)

    @property
    def links(self) -> list[LinkState]:
        """Every link."""
        return self.ask(lambda state: list(state.memory.links.values()))

    @property
    def fired(self) -> set[str]:
        """Every rule that fired."""
        return {one.rule for one in self._transitions() if one.to == "firing"}

    @property
    def pending(self) -> set[str]:
        """Every rule that was breached, whether it fired or not."""
        return {one.rule for one in self._transitions()}

    def summary(self, rule: str) -> str:
        """The summary of the last alert of a rule that fired."""
        return next((one.summary for one in reversed(self._to(rule, "firing"))), "")

    def incidents(self) -> list[Incident]:
        """The newest record of each incident that was not merged into another."""
        return self.observation.outputs.newest()

    def causes(self) -> list[Cause]:
        """The ranked causes that were named last, of an incident or a notice; none before there is one."""
        return self.observation.outputs.causes()

    def cause(self, code: str) -> Cause | None:
        """This cause, where it is the first of those that were named last."""
        first = next(iter(self.causes()), None)
        return first if first is not None and first.code == code else None

    def ever_first(self) -> set[str]:
        """The codes of every cause that came first in a record of an incident."""
        return {one.causes[0].code for _, one in self.observation.outputs if isinstance(one, Incident) and one.causes}

    def history(self) -> str:
        """Everything that was put out, and the present state, for a test that fails."""
        lines = [f"{at - self._began:7.1f} s  {as_line(output)}" for at, output in self.observation.outputs]
        return "\n".join([*lines, *self.ask(lambda state: list(state_lines(state.memory)))])

    def fail(self, why: str) -> NoReturn:
        """Fail with all that was put out."""
        pytest.fail(f"{why}\n{self.history()}", pytrace=False)

    def close(self) -> None:
        """End the agents."""
        self.observation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self, seconds: float, end: Callable[[], bool]) -> None:
        began = self._clock.monotonic()
        while self._clock.monotonic() - began < seconds and not end():
            self.look()

    def _transitions(self) -> list[Transition]:
        return [one for _, one in self.observation.outputs if isinstance(one, Transition)]

    def _to(self, rule: str, to: str) -> list[Transition]:
        return [one for one in self._transitions() if (one.rule, one.to) == (rule, to)]


def address(server: Server) -> str:
    """The name of a server for which nobody chose one."""
    return f"{HOST}:{server.port}"


@contextmanager
def watched(
    servers: Sequence[Server],
    dbname: str = "postgres",
    rules: Mapping[str, Mapping[str, Any]] = {},
    *,
    settled: bool = False,
    dsns: Mapping[int, str] = {},
    policy: Policy | None = None,
    aliases: Mapping[str, Sequence[str]] = {},
) -> Iterator[Watching]:
    """Watch servers in the background inside the block; wait first until all links are healthy where ``settled``.

    ``rules``: other limits. ``dsns``: connection strings by port, for agents that do not use the plain one.
    ``policy``: instead of rules that fire soon. ``aliases``: other addresses of a server, by its name.
    """
    ways = {address(each): each.dsn(dbname, AGENT) for each in servers}
    agents = [dsns.get(each.port) or ways[address(each)] for each in servers]
    limits = [Override(rules={name: dict(each) for name, each in rules.items()})]
    with Watching(*agents, policy=policy or quick(limits), ways=ways) as found:
        found.run(aliases)
        if settled:
            found.until("all links are healthy", lambda: found.ask(_healthy))
        yield found


def _default(for_s: float | None, rules: Mapping[str, Mapping[str, Any]]) -> Policy:
    limits: dict[str, dict[str, Any]] = {name: {"for_s": for_s} if for_s is not None else {} for name in RULES}
    for name, given in rules.items():
        limits[name].update(given)
    return Policy(lateness_s=0.0, rules=limits)


def _healthy(state: ClusterState) -> bool:
    links, nodes = state.memory.links.values(), state.memory.nodes.values()
    return bool(links) and all(link.verdict in HEALTHY for link in links) and all(node.settings for node in nodes)
