"""``changes_come_back``: two servers subscribe to the same tables of each other and take changes of any origin."""

from leadline_streams.engines.postgresql.both_ways import way_back
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, Rule, SubscriptionContext, Words, fact

NAMED = 3


def measure(context: SubscriptionContext) -> float | None:
    """Number of tables whose changes come back to the server on which they were made.

    Where they come back to both servers, one of the two subscriptions stands for both.
    """
    node, own = context.node, context.subscription
    found = way_back(context.cluster, node, own)
    if found is None:
        return None
    if found.tables is None:
        return UNKNOWN
    if found.is_endless and (found.publisher.name, found.back.name) < (node.name, own.name):
        return None
    return float(len(found.tables))


def describe(context: SubscriptionContext, value: float) -> Words:
    """Both subscriptions, and some of the tables."""
    node, own = context.node, context.subscription
    found = way_back(context.cluster, node, own)
    if found is None:
        return Words(f"changes came back to {node.name} by its subscription {own.name}", [])
    tables = found.tables or ()
    listed = ", ".join(tables[:NAMED]) + (f" and {len(tables) - NAMED} more" if len(tables) > NAMED else "")
    endless = ", and there to its own" if found.is_endless else ""
    return Words(
        f"changes of {listed} on {node.name} come back to it from {found.publisher.name}{endless}",
        [
            fact("origin", own.origin or "any", node.name, own.name),
            fact("origin", found.back.origin or "any", found.publisher.name, found.back.name),
            *(fact("table", table, node.name, "in both subscriptions") for table in tables[:NAMED]),
        ],
    )


RULE = Rule(
    name="changes_come_back",
    on=SubscriptionContext,
    limits=Limits(warning=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
