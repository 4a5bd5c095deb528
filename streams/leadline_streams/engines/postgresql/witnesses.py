"""Servers that still exchange messages with one that its agent could not read.

A connection that its own agent cannot open says less about a server than messages that others receive from it. A
message counts when it is younger than the agent's failure. So does a connection that stands after an agent found that
nothing listens: the connections of a server that has ended are closed at once. A connection that began after the
failure shows that the server is back, not that it was never away: it counts once it has stood for so long that the
agent should be back, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline_streams.engines.postgresql.links import is_logical, row_of, subscription_of
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView, fact

BACK_S = 15.0
"""The agent of a server that is back has connected again within this time."""
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
    connected_s: float | None
    """Age of the connection; None where it is not known."""

    @property
    def evidence(self) -> Evidence:
        """The message as evidence."""
        return fact("last_message_age_s", self.age_s, self.name, f"its {self.process} still receives from the server")


def witnesses(cluster: ClusterView, node: NodeState, now: float) -> list[Witness]:
    """Those that received from a server since its agent could not read it; none for a server that is not down."""
    if node.down_since is None or now - node.down_since <= SETTLED_S:
        return []
    down_s = now - node.down_since
    since, stands = node.down_since + SETTLED_S, node.reach == "gone"
    return [
        witness
        for witness in _receivers(cluster, node, now)
        if (now - witness.age_s > since or (stands and witness.seen > since))
        and (witness.connected_s is None or witness.connected_s > min(down_s, BACK_S))
    ]


def in_words(found: list[Witness]) -> str:
    """Those that still receive, for people: ``pg-2 still receives from it``."""
    return f"{', '.join(each.name for each in found)} still receive{'s' if len(found) == 1 else ''} from it"


def _receivers(cluster: ClusterView, node: NodeState, now: float) -> Iterator[Witness]:
    for link in cluster.around(node.name):
        if link.upstream == node.name:
            found = _downstream(cluster.nodes.get(link.downstream), link, now)
        else:
            found = _upstream(cluster.nodes.get(link.upstream), node, link, now)
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
        connected_s = _age_s(other, own.began_at, since_look)
        return Witness(other.name, f"subscription {own.name}", own.message_age_s + since_look, other.seen, connected_s)
    receiver = other.sample.upstream
    if receiver is None or receiver.status != "streaming" or receiver.message_age_s is None:
        return None
    connected_s = _age_s(other, receiver.began_at, since_look)
    return Witness(other.name, "WAL receiver", receiver.message_age_s + since_look, other.seen, connected_s)


def _upstream(other: NodeState | None, node: NodeState, link: LinkState, now: float) -> Witness | None:
    """A primary or publisher that gets replies from the server."""
    if other is None or not other.answers:
        return None
    row = row_of(link, other)
    if row is None or row.reply_age_s is None:
        return None
    since_look = now - other.seen
    connected_s = row.connected_s + since_look if row.connected_s is not None else None
    return Witness(other.name, "walsender", row.reply_age_s + since_look, other.seen, connected_s)


def _age_s(other: NodeState, began_at: datetime | None, since_look: float) -> float | None:
    """Age of a process by the clock of its own server."""
    if began_at is None or other.sample is None:
        return None
    return (other.sample.at - began_at).total_seconds() + since_look
