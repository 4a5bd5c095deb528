"""Servers that still exchange messages with one that its agent could not read.

A connection that its own agent cannot open says less about a server than messages that others receive from it. A
message counts when it is younger than the agent's failure. So does a connection that stands after an agent found that
nothing listens: the connections of a server that has ended are closed at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline_streams.engines.postgresql.links import is_logical, row_of, subscription_of
from leadline_streams.judge.rule import ClusterView, fact
from leadline_streams.judge.state import LinkState, NodeState

SETTLED_S = 2.0
"""Messages that were on their way when the server ended arrive within this time, and hosts' clocks differ."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A server that answers its agent and received from the other one after that one's agent could not read it."""

    name: NodeName
    process: str
    """Its process that receives from the other server."""
    age_s: float
    """Age of the last message."""
    seen: float
    """When its agent last saw the connection."""

    @property
    def evidence(self) -> Evidence:
        """The message as evidence."""
        return fact("last_message_age_s", self.age_s, self.name, f"its {self.process} still receives from the server")


def witnesses(cluster: ClusterView, node: NodeState, now: float) -> list[Witness]:
    """Those that received from a server since its agent could not read it; none for a server that is not down."""
    if node.down_since is None or now - node.down_since <= SETTLED_S:
        return []
    since, stands = node.down_since + SETTLED_S, node.reach == "gone"
    return [
        witness
        for witness in _receivers(cluster, node, now)
        if now - witness.age_s > since or (stands and witness.seen > since)
    ]


def in_words(found: list[Witness]) -> str:
    """Those that still receive, for people: ``pg-2 still receives from it``."""
    return f"{', '.join(each.name for each in found)} still receive{'s' if len(found) == 1 else ''} from it"


def _receivers(cluster: ClusterView, node: NodeState, now: float) -> Iterator[Witness]:
    for link in cluster.links.values():
        if link.upstream == node.name:
            found = _downstream(cluster.nodes.get(link.downstream), link, now)
        elif link.downstream == node.name:
            found = _upstream(cluster.nodes.get(link.upstream), node, link, now)
        else:
            continue
        if found is not None:
            yield found


def _downstream(other: NodeState | None, link: LinkState, now: float) -> Witness | None:
    """A standby or subscriber that receives from the server."""
    if other is None or not other.answers or other.sample is None:
        return None
    since_look = now - other.seen
    if is_logical(link):
        own = subscription_of(link, other)
        # A worker that only tries to connect has a time of its start, and no position.
        if own is None or own.pid is None or own.received_lsn is None or own.message_age_s is None:
            return None
        return Witness(other.name, f"subscription {own.name}", own.message_age_s + since_look, other.seen)
    receiver = other.sample.upstream
    if receiver is None or receiver.status != "streaming" or receiver.message_age_s is None:
        return None
    return Witness(other.name, "WAL receiver", receiver.message_age_s + since_look, other.seen)


def _upstream(other: NodeState | None, node: NodeState, link: LinkState, now: float) -> Witness | None:
    """A primary or publisher that gets replies from the server."""
    if other is None or not other.answers:
        return None
    row = row_of(link, other)
    if row is None or row.reply_age_s is None:
        return None
    return Witness(other.name, "walsender", row.reply_age_s + now - other.seen, other.seen)
