"""``table_sync_waiting``: the initial copy of a table has not begun or does not move, without an error."""

from leadline.words import duration
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.engines.postgresql.table_copies import Stuck, stuck
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Seconds for which the copy that has waited longest has not moved.

    While the apply worker or the copies fail, ``apply_error`` or ``table_sync_stuck`` fires instead.
    """
    found = _oldest(context)
    return max(0.0, context.now - found.since) if found is not None else None


def _oldest(context: SubscriptionContext) -> Stuck | None:
    node, subscription, now = context.node, context.subscription, context.now
    if not node.copies:
        return None
    failures = node.windows.get(f"sync_error:{subscription.name}")
    if in_error_loop(node, subscription, now) or (failures is not None and failures.recurs(now)):
        return None
    return min(stuck(context.cluster, node, subscription), key=lambda each: each.since, default=None)


def describe(context: SubscriptionContext, value: float) -> Words:
    """The tables, and what the worker and its sender wait for."""
    node, subscription, found = context.node, context.subscription, _oldest(context)
    tables = found.tables if found is not None else ", ".join(subscription.unsynced) or "a table"
    copy = found.copy if found is not None else None
    sender = found.sender if found is not None else None
    state = "does not move" if found is not None and found.has_begun else "has not begun"
    return Words(
        f"the initial copy of {tables} by subscription {subscription.name} on {node.name} {state}: {duration(value)}",
        [
            fact("tables", tables, node.name, f"state {copy.state}" if copy is not None and copy.state else None),
            fact(
                "worker", copy.pid if copy is not None else "none", node.name, copy.wait if copy is not None else None
            ),
            *(
                [fact("sender", sender.waiting.wait, sender.publisher.name, f"pid {sender.waiting.pid}")]
                if sender is not None and sender.waiting is not None
                else []
            ),
        ],
    )


RULE = Rule(
    name="table_sync_waiting",
    on=SubscriptionContext,
    # A slot is created when the transactions that run have ended: a minute is long for those, and short for a copy.
    limits=Limits(warning=60.0, for_s=5.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
