"""``table_not_subscribed``: a subscription lacks tables of its publications, or has some that are not published."""

from leadline_streams.engines.postgresql.subscribed_tables import not_published, not_subscribed
from leadline_streams.engines.postgresql.unserved import link_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact

NAMED = 3


def measure(context: SubscriptionContext) -> float | None:
    """Number of tables on one side only, as last read where both agents are connected to the replicated databases."""
    lacks, left = missing(context)
    return float(len(lacks) + len(left)) or None


def missing(context: SubscriptionContext) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tables that are published only, and tables that are subscribed only."""
    node, subscription = context.node, context.subscription
    if not node.subscribes or not subscription.enabled:
        return (), ()
    link = link_of(context.cluster, node, subscription)
    up = context.cluster.nodes.get(link.upstream) if link is not None else None
    if link is None or up is None or not up.answers:
        return (), ()
    return not_subscribed(up, link, node, subscription), not_published(up, link, node, subscription)


def describe(context: SubscriptionContext, value: float) -> Words:
    """The tables."""
    node, subscription = context.node, context.subscription
    lacks, left = missing(context)
    parts = [
        *([f"changes of {listed(lacks)} are published and not subscribed to"] if lacks else []),
        *([f"changes of {listed(left)} are not published any more"] if left else []),
    ]
    return Words(
        f"subscription {subscription.name} on {node.name}: {' and '.join(parts) or f'{value:.0f} tables differ'}",
        [
            *(fact("table", name, node.name, "published, not subscribed to") for name in lacks[:NAMED]),
            *(fact("table", name, node.name, "subscribed to, not published") for name in left[:NAMED]),
        ],
    )


def listed(names: tuple[str, ...]) -> str:
    """A few names, and the number of the others."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


RULE = Rule(
    name="table_not_subscribed",
    on=SubscriptionContext,
    # A table is created on both sides and then taken into the subscription.
    limits=Limits(warning=1.0, for_s=120.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
