"""The transitions and incidents that a judgement put out, with their times."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from leadline.model.alert import Transition
from leadline.model.incident import Cause, Incident
from leadline_streams.judge.state import Memory


class Outputs:
    """All transitions and incident records in order. Times are those of a monotonic clock."""

    def __init__(self) -> None:
        self._all: list[tuple[float, Transition | Incident]] = []

    def add(self, at: float, outputs: Iterable[Any]) -> None:
        """Keep the transitions and incidents among a judgement's outputs."""
        self._all += [(at, output) for output in outputs if isinstance(output, Transition | Incident)]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[tuple[float, Transition | Incident]]:
        return iter(self._all)

    def fired_at(self, rule: str, since: float) -> float | None:
        """The time when the rule fired, or any rule when it is empty."""
        for at, output in self._all:
            fires = isinstance(output, Transition) and output.to == "firing" and rule in ("", output.rule)
            if at >= since and fires:
                return at
        return None

    def any_fired(self, after: int) -> bool:
        """Whether any rule fired after the first ``after`` outputs."""
        return any(isinstance(output, Transition) and output.to == "firing" for _, output in self._all[after:])

    def first_cause_since(self, cause: str, since: float, rule: str) -> float | None:
        """The time since which this has been the first cause of what the rule's alert is a part of; None while not.

        With an empty rule, of any incident or notice.
        """
        begun: dict[str, float] = {}
        for at, output in self._all:
            if at < since or not _is_about(output, rule):
                continue
            if output.causes[0].code == cause:
                begun.setdefault(_identity(output), at)
            else:
                begun.pop(_identity(output), None)
        return min(begun.values(), default=None)

    def naming(self, rule: str, cause: str) -> Transition | Incident | None:
        """The newest record of what a rule's alert is a part of: if there are several, of one that has this cause."""
        last = {_identity(one): one for _, one in self._all if _is_about(one, rule)}
        records = list(last.values())
        return next((one for one in reversed(records) if one.causes[0].code == cause), records[-1] if records else None)

    def incident(self) -> Incident | None:
        """The newest record of an incident."""
        return next((output for _, output in reversed(self._all) if isinstance(output, Incident)), None)

    def newest(self) -> list[Incident]:
        """The newest record of each incident that was not merged into another, in the order of their first records."""
        last = {one.incident_id: one for _, one in self._all if isinstance(one, Incident)}
        return [one for one in last.values() if one.merged_into is None]

    def causes(self) -> list[Cause]:
        """The causes that were named last: with an incident, or where there is none with a notice."""
        incident = self.incident()
        if incident is not None:
            return incident.causes
        named = (one.causes for _, one in reversed(self._all) if isinstance(one, Transition))
        return next((causes for causes in named if causes), [])

    def is_over(self, rule: str) -> bool:
        """Whether what was raised of a rule has ended: every incident, and the rule's own alert."""
        states: dict[str, str] = {}
        alerts: dict[str, str] = {}
        for _, output in self._all:
            if isinstance(output, Incident):
                states[output.incident_id] = output.state
            elif output.rule == rule:
                alerts[output.alert_id] = output.to
        return set(states.values()) <= {"resolved"} and set(alerts.values()) <= {"ok", "resolved"}

    def incidents(self, since: float = -inf, until: float = inf) -> int:
        """The number of incidents with a record in this period; two that were merged are one."""
        last = {one.incident_id: one for at, one in self._all if since <= at < until and isinstance(one, Incident)}
        return sum(one.merged_into is None for one in last.values())


def _is_about(output: Transition | Incident, rule: str) -> bool:
    """Whether an output names the causes of a rule's alert: as a record of its incident, or as the alert's own."""
    if isinstance(output, Incident):
        return rule in ("", *output.rules) and output.merged_into is None
    return rule in ("", output.rule) and bool(output.causes)


def _identity(output: Transition | Incident) -> str:
    return output.incident_id if isinstance(output, Incident) else output.alert_id


def as_line(output: Transition | Incident) -> str:
    """A transition or an incident record as one line, for where a test fails."""
    if isinstance(output, Transition):
        change = f"{output.from_} -> {output.to} {output.rule} on {output.subject.id}"
        causes = f" [{_causes(output)}]" if output.causes else ""
        return f"{change} ({output.verdict}): {output.summary}{causes}"
    merged = f", merged into {output.merged_into}" if output.merged_into is not None else ""
    name = f"{output.incident_id} {output.seq}#{output.generation}"
    return f"incident {name} {output.state}{merged}: {output.title} [{_causes(output)}]"


def _causes(output: Transition | Incident) -> str:
    return ", ".join(f"{cause.code} {cause.confidence:g} on {cause.subject.id}" for cause in output.causes)


def state_lines(memory: Memory) -> Iterator[str]:
    """The present state of every link and node."""
    for link in memory.links.values():
        connected = "connected" if link.connected else "not connected"
        yield f"link {link.id}: {link.verdict}, {connected}, {link.lag_s} s, {link.lag_units} bytes"
    for node in memory.nodes.values():
        yield f"node {node.name}: {'up' if node.up else node.error}{', silent' if node.stale else ''}"
        sample = node.sample
        if sample is not None:
            parts = (sample.positions, sample.upstream, *sample.downstreams, *sample.slots, *sample.subscriptions)
            yield from (f"    {part}" for part in (*parts, sample.activity, sample.archiver) if part is not None)
