"""``server_not_watched``: a watched server is connected to servers that no agent reads.

Such a server is judged by the other end alone: its own waits, errors and settings stay unseen, and an advice about it
cannot know what it needs.
"""

from leadline_streams.engines.postgresql.not_watched import servers_not_watched
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact

MOST = 3
"""So many are named in the summary."""


def measure(context: NodeContext) -> float | None:
    """Number of servers at the other ends of a node's connections that no agent reads."""
    return float(len(servers_not_watched(context.cluster, context.node, context.now))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The servers, and how each is connected with the node."""
    found = servers_not_watched(context.cluster, context.node, context.now)
    several = max(len(found), value) > 1
    names = ", ".join(each.name for each in found[:MOST]) or (f"{value:.0f} servers" if several else "a server")
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    plural = "are" if several else "is"
    return Words(
        f"{names}{more}, connected with {context.node.name}, {plural} not watched",
        [fact("not_watched", each.name, context.node.name, each.line) for each in found],
    )


RULE = Rule(
    name="server_not_watched",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=300.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
