"""``sync_commit_blocked``: commits wait for synchronous standbys."""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Seconds that the oldest commit has waited; unknown where the agent may not read sessions."""
    sample = context.node.sample
    if sample is None:
        return None
    if sample.activity is None:
        return UNKNOWN
    return sample.activity.sync_wait_s if sample.activity.sync_waiters else None


def describe(context: NodeContext, value: float) -> Words:
    """The number of commits that wait, the standbys that they wait for, and those that are connected."""
    node, sample = context.node, context.node.sample
    activity = sample.activity if sample is not None else None
    waiters = activity.sync_waiters if activity is not None else 0
    names = node.settings.get("synchronous_standby_names")
    level = node.settings.get("synchronous_commit")
    return Words(
        f"{waiters} commits on {node.name} wait for synchronous standbys, the oldest for {duration(value)}",
        [
            fact("sync_waiters", waiters, node.name, "statement_timeout does not end this wait"),
            fact("synchronous_standby_names", names.value if names is not None else "unknown", node.name),
            fact("synchronous_commit", level.value if level is not None else "unknown", node.name),
            *(
                fact("standby", row.name, node.name, f"{row.state}, {row.sync_state}")
                for row in (sample.downstreams if sample is not None else ())
            ),
        ],
    )


RULE = Rule(
    name="sync_commit_blocked",
    on=NodeContext,
    limits=Limits(warning=3.0, critical=10.0, for_s=5.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
