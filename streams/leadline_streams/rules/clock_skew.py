"""``clock_skew``: the clock of an agent's host is wrong, and its times are corrected."""

from leadline.clock import moment
from leadline.words import duration, hour
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Seconds by which its times are corrected; unknown while the agent is silent."""
    node = context.node
    if node.stale:
        return UNKNOWN
    return abs(node.host_ahead_s) or None


def describe(context: NodeContext, value: float) -> Words:
    """By how much and since when; the clock is that of the agent's host, which need not be the server's."""
    node = context.node
    ahead_s = node.host_ahead_s or value
    side = "ahead of" if ahead_s > 0 else "behind"
    since = f" since {hour(moment(node.host_ahead_since))} UTC" if node.host_ahead_since else ""
    return Words(
        f"the clock of the host of {node.name}'s agent has been {duration(abs(ahead_s))} {side} the others{since}; its "
        "times are corrected",
        [fact("clock_ahead_s", ahead_s, node.name, "against the other agents and the time at which samples arrive")],
    )


RULE = Rule(
    name="clock_skew",
    on=NodeContext,
    # Any correction counts: judgement.clock_tolerance_s says from which offset on times are corrected.
    limits=Limits(warning=0.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)
