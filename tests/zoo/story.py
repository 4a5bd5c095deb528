"""What a rig saw, as lines, for where a test fails."""

from collections.abc import Iterator

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline_streams.judge.state import Memory


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
