"""``apply_conflict``: rows that a subscription receives conflict with the rows on the subscriber.

The number that is measured depends on the kind of conflict:

- A conflict that stops the worker occurs again at every attempt. Each kind counts once, however often the worker
  tried, and no longer once the worker has got past it.
- A change of a row that is missing is skipped and lost. Each one counts.
- The server also counts a row of another origin at the first change after the initial copy, and whenever one server
  changes a row that the other wrote before: nothing is wrong then. These count only where both servers meet them just
  after the subscriptions of both directions were interrupted at once: then their changes can have crossed.
"""

from leadline_streams.engines.postgresql.apply import DUPLICATES, MISSING, ORIGINS
from leadline_streams.engines.postgresql.both_ways import may_have_crossed, publishers_back
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """Conflicts in the window."""
    node, subscription = context.node, context.subscription
    if not node.windows or not subscription.conflicts:
        return None
    now, name = context.now, subscription.name
    stops = not subscription.enabled or in_error_loop(node, subscription, now)
    stopping = sum(1 for count in counted(node, name, DUPLICATES, now).values() if count) if stops else 0
    skipped = sum(counted(node, name, MISSING, now).values())
    overwritten = sum(counted(node, name, ORIGINS, now).values())
    if overwritten and not _may_have_crossed(context):
        overwritten = 0
    return float(stopping + skipped + overwritten) or None


def counted(node: NodeState, subscription: str, kinds: frozenset[str], now: float) -> dict[str, int]:
    """Conflicts of one subscription in the window, by kind."""
    windows = {kind: node.windows.get(f"apply_conflict:{subscription}:{kind}") for kind in sorted(kinds)}
    return {kind: window.count(now) for kind, window in windows.items() if window is not None}


def _may_have_crossed(context: SubscriptionContext) -> bool:
    """Whether the publisher subscribes to this node in turn, and changes of both can have met the same rows."""
    node, name, now = context.node, context.subscription.name, context.now
    return any(
        may_have_crossed(node, name, publisher, back, now)
        for publisher, back in publishers_back(context.cluster, node, name)
    )


def describe(context: SubscriptionContext, value: float) -> Words:
    """Every kind that occurred, also those that the number does not count."""
    node, subscription = context.node, context.subscription
    counts = counted(node, subscription.name, DUPLICATES | MISSING | ORIGINS, context.now)
    kinds = {kind: count for kind, count in counts.items() if count}
    notes = dict.fromkeys(DUPLICATES, "attempts; the worker stops and is started again")
    notes |= dict.fromkeys(MISSING, "changes skipped, because the row is missing")
    notes |= dict.fromkeys(ORIGINS, "rows overwritten; includes the first change of each row after the initial copy")
    conflicts = "1 row conflict" if value == 1 else f"{value:.0f} row conflicts"
    return Words(
        f"{conflicts} in subscription {subscription.name} on {node.name} within "
        f"{EVENT_WINDOW_S / 60:g} minutes ({', '.join(kinds)})",
        [fact(kind, count, node.name, notes[kind]) for kind, count in kinds.items()],
    )


RULE = Rule(
    name="apply_conflict",
    on=SubscriptionContext,
    limits=Limits(warning=1.0, critical=100.0, for_s=0.0, keep_s=5.0),
    measure=measure,
    describe=describe,
    window_s=EVENT_WINDOW_S,
)
