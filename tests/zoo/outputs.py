"""The transitions and incidents that a judgement put out, with their times."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from leadline.model.alert import Transition
from leadline.model.incident import Incident
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

    def first_cause_since(self, cause: str, since: float) -> float | None:
        """The time since which this has been the first cause; None while it is not."""
        begun = None
        for at, output in self._all:
            if at >= since and isinstance(output, Incident):
                first = output.causes[0].code == cause
                begun = (begun if begun is not None else at) if first else None
        return begun

    def incident(self) -> Incident | None:
        """The newest record of an incident."""
        return next((output for _, output in reversed(self._all) if isinstance(output, Incident)), None)

    def incidents(self, since: float = -inf, until: float = inf) -> int:
        """The number of incidents with a record in this period."""
        return len({one.incident_id for at, one in self._all if since <= at < until and isinstance(one, Incident)})


def as_line(output: Transition | Incident) -> str:
    """A transition or an incident record as one line, for where a test fails."""
    if isinstance(output, Transition):
        change = f"{output.from_} -> {output.to} {output.rule} on {output.subject.id}"
        return f"{change} ({output.verdict}): {output.summary}"
    causes = ", ".join(f"{cause.code} {cause.confidence:g} on {cause.subject.id}" for cause in output.causes)
    return f"incident {output.seq} {output.state}: {output.title} [{causes}]"


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
