"""The checks of one test of the zoo: the rule that fires, the cause that comes first, the end of the incident."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import inf
from typing import NoReturn, Self

import pytest

from leadline.catalogue import RULES as CATALOGUE
from leadline.errors import UnreachableError
from leadline.model.alert import Transition, Verdict
from leadline.model.incident import Cause, Incident
from leadline_lab.faults.fault import Expected, Injected, Named
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Override
from tests.zoo.form import NAMED, Form, renamed
from tests.zoo.observation import Observation, quick
from tests.zoo.outputs import as_line, state_lines
from tests.zoo.score import Score
from tests.zoo.steps import unusable_steps

HEALTHY = ("idle", "healthy")
SETTLED_S = 20.0
WITHIN_S = 15.0
"""A person who begins to look during an outage gets the cause within this time. Some signs show only after a timeout of
the servers: a fault with ``shows_after_s`` has been there for so long by then. A notice is about no outage."""
OTHERS_S = 15.0


class Rig:
    """Observes servers until ``close`` and checks what is put out. The surroundings of an injection."""

    def __init__(
        self, name: str, version: str, observation: Observation, names: Mapping[str, str], form: Form = NAMED
    ) -> None:
        """``name`` and ``version``: the fault and the version of PostgreSQL, as the scores give them.

        ``names``: those of the nodes, by the names that the servers have in the laboratory.
        """
        self.name = name
        self.form = form
        self.looked = ""
        """The cause that a single look named before this observation began."""
        self._version = version
        self._node_names = names
        self.observation = observation
        self._clock, self._outputs = observation.clock, observation.outputs
        self._scores: list[Score] = []
        self._begin = self._clock.monotonic()
        self._begins: list[float] = []
        """The beginning of each fault that was expected."""
        self._changes: list[tuple[float, str]] = []

    def settle(self, links: int) -> None:
        """Wait until this many links and all nodes are healthy and the settings of every node are known."""

        def settled(state: ClusterState) -> bool:
            memory = state.memory
            return (
                len(memory.links) == links
                and all(link.verdict in HEALTHY for link in memory.links.values())
                and all(node.settings for node in memory.nodes.values())
                and not memory.alerts
            )

        until = self._clock.monotonic() + SETTLED_S
        self._wait(f"{links} healthy links", lambda: self.observation.ask(settled), until=until)
        self.begins()

    def changed(self, change: str) -> None:
        """Note a change to a server, for where a test fails."""
        self._changes.append((self._clock.monotonic(), change))

    # The surroundings of an injection

    def begins(self) -> None:
        """The fault begins now."""
        self._begin = self._clock.monotonic()

    def steady(self, seconds: float) -> None:
        """Nothing may fire for this long from now on."""
        since = len(self._outputs)
        threading.Event().wait(seconds)
        self.observation.check()
        if self._outputs.any_fired(since):
            self._fail(f"nothing fires for {seconds:g} s")

    def stop_agent(self, node: str) -> None:
        """Kill the agent of a server."""
        self.observation.stop_agent(self._node_names[node])

    def start_agent(self, node: str) -> None:
        """Start the agent of a server again."""
        self.observation.start_agent(self._node_names[node])

    def set_clock(self, node: str, ahead_s: float) -> None:
        """Set the clock of the host of an agent."""
        self.observation.set_clock(self._node_names[node], ahead_s)

    # What must be put out

    def expect(self, expected: Expected, injected: Injected) -> None:
        """The rule fires, the cause comes first in its incident or notice, and the record holds all that is expected.

        A page is a part of one incident, a notice of none.
        """
        expected, injected = self._of_this_form(expected, injected)
        rule, cause = expected.rule, expected.cause
        score = Score(self.name, self._version, cause, rule, form=self.form.label, looked=self.looked)
        self._scores.append(score)
        self._begins.append(self._begin)
        until = self._begin + expected.within_s
        about = self._about(rule)
        first = partial(self._outputs.first_cause_since, cause, self._begin, about)
        if not self.form.late:  # the first rule that fires may be another one when many measure the fault at once
            self._wait(f"{rule} fires", partial(self._fired, rule), until=until)
        self._wait(f"{cause} is the first cause", lambda: first() is not None, until=until)
        if expected.verdict is not None:
            verdict, link = expected.verdict, expected.link
            self._wait(f"the verdict is {verdict}", lambda: verdict in self._verdicts(link), until=until)
        detected = self._outputs.fired_at("" if self.form.late else rule, self._begin)
        named, record = first(), self._outputs.naming(about, cause)
        if detected is None or named is None or record is None:
            self._fail(f"{cause} was the first cause for a moment only")
        score.detected_s, score.cause_s, score.ranked_first = detected - self._begin, named - self._begin, True
        for problem in _problems(record, expected, injected):
            self._fail(problem)
        for problem in unusable_steps(record.causes, self.observation.dsns):
            self._fail(problem)
        for other in expected.others:
            if not other.at_once:
                self._wait_also(f"{other.code} is named", partial(self._names, other, rule, cause))
        for also in expected.rules:
            self._wait_also(f"{also} fires too", partial(self._fired, also))

    def expect_resolved(self, within_s: float, remains: str = "") -> None:
        """All that was raised ends, each fault was one incident, a notice none, and the first cause stayed the same, or
        is the one that remains."""
        began = self._clock.monotonic()
        score = self._scores[-1]
        self._wait("it resolves", lambda: self._outputs.is_over(score.rule), until=began + within_s)
        score.resolved_s = self._clock.monotonic() - began
        record = self._outputs.naming(self._about(score.rule), score.expected_cause)
        assert record is not None
        if record.causes[0].code not in (score.expected_cause, remains):
            self._fail(f"{score.expected_cause} was first, and at the end it is {record.causes[0].code}")
        pages = sum(CATALOGUE[each.rule].class_ == "page" for each in self._scores)
        if self._outputs.incidents() > pages:
            self._fail(
                f"{len(self._scores)} faults, of which {pages} page, opened {self._outputs.incidents()} incidents"
            )

    def measured(self) -> list[Score]:
        """The score of each fault so far."""
        for score, (begin, end) in zip(self._scores, pairwise([*self._begins, inf]), strict=True):
            score.pages = self._outputs.incidents(begin, end if end > begin else inf)
            score.harms = len(self.observation.advice.problems)
        return self._scores

    # Inside

    def _of_this_form(self, expected: Expected, injected: Injected) -> tuple[Expected, Injected]:
        """The expectation with the names of the nodes; where looking began late, without what had to be seen before."""
        rename = partial(renamed, names=self._node_names)
        late = self.form.late
        return replace(
            expected,
            link=rename(expected.link),
            subject=rename(expected.subject),
            title=rename(expected.title),
            summary=(*map(rename, expected.summary), *(() if late else map(rename, expected.change))),
            fix=tuple(map(rename, expected.fix)),
            others=()
            if late
            else tuple(
                replace(each, subject=rename(each.subject), summary=tuple(map(rename, each.summary)))
                for each in expected.others
            ),
            rules=() if late else expected.rules,
            within_s=WITHIN_S if late and CATALOGUE[expected.rule].class_ == "page" else expected.within_s,
        ), replace(injected, summary=tuple(map(rename, injected.summary)), fix=tuple(map(rename, injected.fix)))

    def _verdicts(self, link: str) -> list[Verdict]:
        return self.observation.ask(
            lambda state: [one.verdict for one in state.memory.links.values() if one.id.endswith(link)]
        )

    def _fired(self, rule: str) -> bool:
        return self._outputs.fired_at(rule, self._begin) is not None

    def _about(self, rule: str) -> str:
        """The rule whose alert is looked at; none in particular where looking began late and many fire at once."""
        return "" if self.form.late else rule

    def _names(self, other: Named, rule: str, cause: str) -> bool:
        record = self._outputs.naming(rule, cause)
        return record is not None and any(_is(cause, other) for cause in record.causes)

    def _wait_also(self, event: str, check: Callable[[], bool]) -> None:
        self._wait(event, check, until=self._clock.monotonic() + OTHERS_S)

    def _wait(self, event: str, check: Callable[[], bool], *, until: float) -> None:
        def checked() -> bool:
            self.observation.check()
            return check()

        try:
            eventually(event, checked, max(0.0, until - self._clock.monotonic()))
        except UnreachableError as error:
            self._fail(str(error))

    def _fail(self, why: str) -> NoReturn:
        pytest.fail(f"{why}\n{self._history()}", pytrace=False)

    def _history(self) -> str:
        """Every change and output since the start, and the present state."""
        lines = [(at, as_line(output)) for at, output in self._outputs]
        lines += [(at, f"change: {change}") for at, change in self._changes]
        history = [f"{at - self._begin:7.1f} s  {line}" for at, line in sorted(lines)]
        return "\n".join([*history, *self.observation.ask(lambda state: list(state_lines(state.memory)))])

    def close(self) -> None:
        """End the observation."""
        self.observation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def node_names(servers: Sequence[Server], *, plain: bool) -> dict[str, str]:
    """The names of the nodes by those of the servers: the same, or as ``leadline watch`` names them by default."""
    return {server.name: f"{HOST}:{server.port}" if plain else server.name for server in servers}


def make_rig(
    name: str,
    version: str,
    servers: Sequence[Server],
    *,
    dbname: str,
    overrides: Sequence[Override],
    datacenters: Mapping[str, str],
    aliases: Mapping[str, Sequence[str]],
    form: Form = NAMED,
) -> Rig:
    """A rig whose agents have been started. ``datacenters`` and ``aliases`` are by the names of the servers."""
    names = node_names(servers, plain=form.plain)
    dsns = {names[server.name]: server.dsn(dbname, AGENT) for server in servers}
    observation = Observation(dsns, quick(overrides))
    observation.start_agents(
        {names[server]: value for server, value in datacenters.items() if server in names},
        {names[server]: value for server, value in aliases.items()},
    )
    return Rig(name, version, observation, names, form)


def _problems(record: Incident | Transition, expected: Expected, injected: Injected) -> Iterator[str]:
    """Everything that is expected of the record that names the first cause and is not in it."""
    first = record.causes[0]
    title = record.title if isinstance(record, Incident) else expected.title
    for name, text, parts in (
        ("summary", first.summary, (*expected.summary, *injected.summary)),
        ("fix", first.fix, (*expected.fix, *injected.fix)),
        ("title", title, (expected.title,)),
    ):
        yield from (f"the {name} has no {part!r}: {text}" for part in parts if part not in text)
    if not first.subject.id.endswith(expected.subject):
        yield f"the first cause is on {first.subject.id}, not on {expected.subject}"
    confidence = max(expected.confidence, injected.confidence)
    if confidence and first.confidence <= confidence:
        yield f"the confidence is {first.confidence:g}, not higher than {confidence:g}"
    for other in expected.others:
        candidates = record.causes if other.rank is None else record.causes[other.rank : other.rank + 1]
        if other.at_once and not any(_is(cause, other) for cause in candidates):
            yield f"the record that names the first cause does not name {other}"


def _is(cause: Cause, named: Named) -> bool:
    return (
        cause.code == named.code
        and cause.subject.id.endswith(named.subject)
        and all(part in cause.summary for part in named.summary)
    )
