"""``table_sync_stuck``: the initial copy of a table fails repeatedly, so its data cannot be relied on."""

from leadline.words import duration, times
from leadline_streams.engines.postgresql.copy_timeouts import cancelled
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.engines.postgresql.subscriptions import copies_fail, fails_slowly
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Failed attempts in the window, while copies fail repeatedly and tables are not ready.

    Those that were counted before the first look count where a timeout of the publisher explains them.
    """
    node, subscription = context.node, context.subscription
    if not subscription.sync_errors:
        return None
    window = node.windows.get(f"sync_error:{subscription.name}")
    if window is None:
        return None
    # Tables are seen only from the subscription's own database.
    if subscription.tables and not subscription.unsynced:
        return None
    if not copies_fail(node, subscription, context.now):
        before = cancelled(context.cluster, node, subscription, context.now)
        return float(subscription.sync_errors) if before is not None else None
    counted = float(window.count(context.now))
    return max(counted, 2.0) if fails_slowly(window, subscription, context.now) else counted or None


def describe(context: SubscriptionContext, value: float) -> Words:
    """The tables that are not ready, and the number of attempts."""
    node, subscription = context.node, context.subscription
    which = ", ".join(subscription.unsynced) or "a table"
    window = node.windows.get(f"sync_error:{subscription.name}")
    when = f"within {EVENT_WINDOW_S / 60:g} minutes"
    if window is not None and fails_slowly(window, subscription, context.now):
        when = f"within {duration(window.last_at - window.before_at)}"
    elif window is not None and not window.last_at:
        when = "before the first look"
    return Words(
        f"the initial copy of {which} by subscription {subscription.name} on {node.name} failed {times(value)} {when}",
        [
            fact(
                "sync_errors",
                int(value),
                node.name,
                f"attempts {when}; each starts from the beginning",
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
