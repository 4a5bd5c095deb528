"""``apply_delay_undeclared``: a standby is delayed by its configuration, and the delay is not declared.

To declare a delayed standby, raise this rule's limit above its delay in an override for that node.
"""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """``recovery_min_apply_delay`` of a standby, in seconds."""
    sample, role = context.node.sample, context.node.node.role
    if role != "standby" or sample is None or sample.positions is None:
        return None
    return sample.positions.apply_delay_s or None


def describe(context: NodeContext, value: float) -> Words:
    """The setting, and the file that sets it."""
    setting = context.node.settings.get("recovery_min_apply_delay")
    source = f"set in {setting.source}" if setting is not None and setting.source else None
    return Words(
        f"{context.node.name} delays replay by {duration(value)}, and no override declares that",
        [fact("recovery_min_apply_delay", duration(value), context.node.name, source)],
    )


RULE = Rule(
    name="apply_delay_undeclared",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
