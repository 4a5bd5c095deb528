"""``table_sync_stuck``: the initial copy of a table fails repeatedly, so its data cannot be relied on."""

from leadline.words import times
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.engines.postgresql.subscriptions import copies_fail
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Failed attempts in the window, while copies fail repeatedly and tables are not ready."""
    node, subscription = context.node, context.subscription
    if not subscription.sync_errors:
        return None
    window = node.windows.get(f"sync_error:{subscription.name}")
    if window is None or not copies_fail(node, subscription, context.now):
        return None
    # Tables are seen only from the subscription's own database.
    if subscription.tables and not subscription.unsynced:
        return None
    return float(window.count(context.now)) or None


def describe(context: SubscriptionContext, value: float) -> Words:
    """The tables that are not ready, and the number of attempts."""
    node, subscription = context.node, context.subscription
    which = ", ".join(subscription.unsynced) or "a table"
    return Words(
        f"the initial copy of {which} by subscription {subscription.name} on {node.name} failed {times(value)} "
        f"within {EVENT_WINDOW_S / 60:g} minutes",
        [
            fact(
                "sync_errors",
                int(value),
                node.name,
                f"attempts in {EVENT_WINDOW_S:g} s; each starts from the beginning",
            ),
            fact("unsynced", which, node.name),
        ],
    )


RULE = Rule(
    name="table_sync_stuck",
    on=SubscriptionContext,
    # A copy is started again every wal_retrieve_retry_interval, 5 s by default.
    limits=Limits(warning=2.0, for_s=10.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    window_s=EVENT_WINDOW_S,
)
