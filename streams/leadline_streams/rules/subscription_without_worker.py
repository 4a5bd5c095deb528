"""``subscription_without_worker``: a subscription should receive changes, and no watched publisher serves it.

Where a watched publisher has the slot, ``replication_cut_off`` fires instead; while the publisher is
down and nothing has replaced it, ``node_down``.
"""

from leadline.words import duration
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.engines.postgresql.unserved import idle_s, link_of, serves, successor_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Seconds for which an enabled subscription has received nothing, once that is longer than a restart takes."""
    node, subscription, cluster = context.node, context.subscription, context.cluster
    if not node.idle_subscriptions or in_error_loop(node, subscription, context.now):
        return None
    waited = idle_s(node, subscription, context.now)
    if waited is None:
        return None
    link = link_of(cluster, node, subscription)
    if link is not None:
        up, successor = cluster.nodes.get(link.upstream), successor_of(cluster, node, subscription, link)
        if serves(up, link, successor) or (successor is None and up is not None and not up.answers):
            return None
        if successor is not None and successor.node is up:
            return None
    return waited


def describe(context: SubscriptionContext, value: float) -> Words:
    """The slot, and the servers on which it is not."""
    node, subscription, cluster = context.node, context.subscription, context.cluster
    link = link_of(cluster, node, subscription)
    successor = successor_of(cluster, node, subscription, link)
    place = f"{successor.node.name} has no such slot" if successor is not None else "no watched server has it"
    nothing = f"has received nothing for {duration(value)}" if value else "receives nothing"
    return Words(
        f"subscription {subscription.name} on {node.name} {nothing}: it needs slot {subscription.slot}, and {place}",
        [
            fact("worker", subscription.pid or "none", node.name, "the subscription is enabled"),
            fact("slot", subscription.slot, successor.node.name if successor is not None else None, place),
            *(
                [fact("publisher", link.upstream, None, "before that, as far as it was watched")]
                if link is not None
                else []
            ),
        ],
    )


RULE = Rule(
    name="subscription_without_worker",
    on=SubscriptionContext,
    limits=Limits(critical=0.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
