"""``subscription_disabled``: a subscription is disabled, and its slot on the publisher retains WAL for it."""

from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """1 while it is disabled."""
    return 1.0 if not context.subscription.enabled else None


def describe(context: SubscriptionContext, value: float) -> Words:
    """Whether an error or a person disabled it, as far as the counters show."""
    node, subscription = context.node, context.subscription
    window = node.windows.get(f"apply_error:{subscription.name}")
    failed = window.count(context.now) if window is not None else 0
    by = "after an error" if failed and subscription.disable_on_error else "by somebody"
    return Words(
        f"subscription {subscription.name} on {node.name} was disabled {by}; nothing is applied",
        [
            fact("enabled", "false", node.name),
            fact("disable_on_error", subscription.disable_on_error, node.name),
            fact("apply_errors", failed, node.name, "in 300 s"),
            fact("slot", subscription.slot, node.name, "the publisher retains WAL for it"),
        ],
    )


RULE = Rule(
    name="subscription_disabled",
    on=SubscriptionContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
