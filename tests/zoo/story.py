"""What a rig saw, as lines: the table of scores, and the whole story where a test fails."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline_streams.judge.memory import Memory


@dataclass(slots=True)
class Score:
    """One fault's numbers, in seconds: from ``mark``, and to the end of the incident from when it is waited for."""

    rule: str
    detected_s: float
    cause: str
    cause_s: float
    resolved_s: float | None = None

    def line(self, fault: str) -> str:
        """One row of the table."""
        resolved = f"{self.resolved_s:5.1f} s" if self.resolved_s is not None else "      -"
        found = f"{self.rule:24} {self.detected_s:5.1f} s  {self.cause:32} {self.cause_s:5.1f} s"
        return f"{fault:48} {found}  {resolved}"


def line_of(said: Transition | Incident) -> str:
    """One transition or incident record."""
    if isinstance(said, Transition):
        return f"{said.from_} -> {said.to} {said.rule} on {said.subject.id} ({said.verdict}): {said.summary}"
    causes = ", ".join(f"{cause.code} {cause.confidence:g} on {cause.subject.id}" for cause in said.causes)
    return f"incident {said.seq} {said.state}: {said.title} [{causes}]"


def standing(memory: Memory) -> Iterator[str]:
    """How every link and node is."""
    for link in memory.links.values():
        connected = "connected" if link.connected else "not connected"
        yield f"link {link.id}: {link.verdict}, {connected}, {link.lag_s} s, {link.lag_bytes} bytes"
    for node in memory.nodes.values():
        yield f"node {node.name}: {'up' if node.up else node.error}{', silent' if node.stale else ''}"
        sample = node.sample
        if sample is not None:
            parts = (sample.positions, sample.upstream, *sample.downstreams, *sample.slots, *sample.subscriptions)
            yield from (f"    {part}" for part in (*parts, sample.activity, sample.archiver) if part is not None)
