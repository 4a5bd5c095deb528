"""The evidence that a node is gone for good: no node that answers has a place for it, and it was stopped or replaced.

A server that crashed looks the same to its upstream, and an orchestrator drops its slot as well. So it takes both: that
the upstream has no place for it any more, and that the server announced that it stops, or that another one took its
place. Where there is no more than the dropped slot, or nothing, time decides.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from leadline.words import duration
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

DROPPED_AFTER_S = 30.0
"""It was stopped and its slot was dropped: both are what somebody does who removes a server."""
REPLACED_AFTER_S = 600.0
UNKNOWN_AFTER_S = 86400.0
"""Its upstream dropped its slot, and its agent is silent too."""
SETTLE_S = 600.0
"""After an outage of Leadline the agents of nodes that seem silent get this long to report."""
SHOWN = ("downstreams", "slots")
"""The groups of an upstream's sample that show whom it serves."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A node is gone for good if this stays so."""

    why: str
    after_s: float
    successor: NodeState | None = None
    """The node that took its place."""
    reason: str = "evidence"


Newest = dict[tuple[str, str | None], float]
"""When the newest of the nodes below an upstream began that may have replaced another one, by upstream and lineage."""


def left_at(node: NodeState) -> float:
    """When a node that does not answer was last read, as far as its agent says."""
    return node.down_since if node.down_since is not None else node.seen


def is_connected(memory: Memory, node: NodeState) -> bool:
    """Whether a node that answers is connected with it, so that it runs."""
    return any(link.connected and other.answers for link, other in _around(memory, node))


def departure(memory: Memory, judgement: Judgement, node: NodeState, now: float, newest: Newest) -> Departure | None:
    """The reason to forget a node that does not answer; None while it may come back.

    ``newest`` is filled in, and holds for other nodes at this moment.
    """
    gone_s = now - left_at(node)
    if gone_s >= judgement.policy.retire_after_s - SETTLE_S:
        return Departure(f"nobody has read {node.name} for {duration(gone_s)}", SETTLE_S, reason="time")
    return _evidence(memory, judgement, node, newest)


def _evidence(memory: Memory, judgement: Judgement, node: NodeState, newest: Newest) -> Departure | None:
    around = list(_around(memory, node))
    if any(link.upstream == node.name and other.answers for link, other in around):
        return None  # somebody waits for it
    if node.takes_writes:
        return _replaced_primary(memory, judgement, node)
    above = memory.above(node.name)
    if not above or not all(_is_forgotten_by(memory, judgement, link) for link in above):
        return None
    ups = " and ".join(sorted({link.upstream for link in above}))
    dropped = any(link.slot is not None for link in above)
    if node.stopped and dropped:
        return Departure(f"{node.name} was stopped, and its slot on {ups} was dropped", DROPPED_AFTER_S)
    successor = _successor(memory, node, above, newest)
    if successor is not None:
        return Departure(
            f"{ups} has no place for {node.name} any more, and {successor.name} took its place",
            REPLACED_AFTER_S,
            successor,
        )
    if node.stopped:
        forget_s = judgement.policy.forget_s
        return Departure(f"{node.name} was stopped, and {ups} has no place for it any more", forget_s)
    if node.stale and dropped:
        why = f"{node.name} and its agent are silent, and its slot on {ups} was dropped"
        return Departure(why, UNKNOWN_AFTER_S)
    return None


def _around(memory: Memory, node: NodeState) -> Iterable[tuple[LinkState, NodeState]]:
    """The links of a node, each with its other end if that is watched."""
    for link in memory.around(node.name):
        other = memory.nodes.get(link.downstream if link.upstream == node.name else link.upstream)
        if other is not None:
            yield link, other


def _is_forgotten_by(memory: Memory, judgement: Judgement, link: LinkState) -> bool:
    """Whether a link's upstream answers, shows whom it serves, and has neither a sender nor a slot for the link.

    Not one that takes no writes: it may have been a primary, and lost its slots when it was rebuilt.
    """
    up = memory.nodes.get(link.upstream)
    if up is None or not up.answers or up.sample is None or (link.sender is None and link.slot is None):
        return False
    if link.connected or link.sender_is_unclear or not up.takes_writes:
        return False
    sample = up.sample
    hidden = {name.partition(".")[0] for name in (*sample.not_permitted, *sample.not_supported, *sample.not_read)}
    hidden |= sample.left_out.keys()
    if not hidden.isdisjoint(SHOWN) or first(sample.downstreams, "name", link.downstream) is not None:
        return False
    parts = judgement.engine_of(up).parts(link, up, None)
    return parts.row is None and parts.slot is None


def _successor(memory: Memory, node: NodeState, above: Sequence[LinkState], newest: Newest) -> NodeState | None:
    """A node that began after this one was gone, and has its data from the same upstream."""
    for up in sorted({link.upstream for link in above}):
        began_at = newest.get((up, node.lineage))
        if began_at is None:
            found = (_began_at(other) for other in _successors(memory, up, node.lineage))
            began_at = newest[up, node.lineage] = max(found, default=-inf)
        if began_at > left_at(node):
            for other in _successors(memory, up, node.lineage):
                if _began_at(other) > left_at(node):
                    return other
    return None


def _successors(memory: Memory, up: str, lineage: str | None) -> Iterator[NodeState]:
    """The nodes below an upstream that may have taken another one's place, and have no one's yet."""
    for link in memory.below(up):
        other = memory.nodes.get(link.downstream)
        if other is None or not link.connected or not other.answers:
            continue
        if other.replaces is None and other.lineage == lineage:
            yield other


def _began_at(node: NodeState) -> float:
    """When a node was first seen, or was started if that was before."""
    started = node.node.started_at
    return min(node.first_at, started.timestamp()) if started is not None else node.first_at


def _replaced_primary(memory: Memory, judgement: Judgement, node: NodeState) -> Departure | None:
    """A primary that stopped in order while another server of its lineage takes writes."""
    if not node.stopped or node.lineage is None:
        return None
    for other in memory.nodes.values():
        if other.writable and other.lineage == node.lineage:
            why = f"{node.name} was stopped, {other.name} took over from it, and nobody follows it"
            return Departure(why, judgement.policy.forget_s)
    return None
