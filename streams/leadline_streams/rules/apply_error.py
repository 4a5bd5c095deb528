"""``apply_error``: the apply worker of a subscription fails repeatedly."""

from leadline.words import duration, times
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Failed attempts in the window, while the worker fails repeatedly."""
    node, subscription = context.node, context.subscription
    if not subscription.apply_errors or not subscription.enabled:
        return None
    window = node.windows.get(f"apply_error:{subscription.name}")
    if window is None or not in_error_loop(node, subscription, context.now):
        return None
    return float(window.count(context.now)) or None


def describe(context: SubscriptionContext, value: float) -> Words:
    """Attempts, the worker, and the position that does not move."""
    node, subscription = context.node, context.subscription
    facts = [
        fact("apply_errors", int(value), node.name, f"attempts in {duration(EVENT_WINDOW_S)}, retried without end"),
        fact("worker", subscription.pid or "none", node.name),
    ]
    link = _link(context, subscription.name)
    if link is not None:
        still = f"unchanged for {duration(context.now - link.moved_at)}"
        facts.append(fact("confirmed_lsn", format_lsn(link.position or 0), link.upstream, still))
        facts.append(fact("lag_bytes", link.lag_units, link.downstream))
    return Words(
        f"subscription {subscription.name} on {node.name} failed {times(value)} within {EVENT_WINDOW_S / 60:g} "
        "minutes and applies nothing",
        facts,
    )


def _link(context: SubscriptionContext, name: str) -> LinkState | None:
    return first(context.cluster.above(context.node.name), "name", name)


RULE = Rule(
    name="apply_error",
    on=SubscriptionContext,
    # A worker is started again every wal_retrieve_retry_interval, 5 s by default: 20 attempts take 100 s.
    limits=Limits(warning=2.0, critical=20.0, for_s=10.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    window_s=EVENT_WINDOW_S,
)
