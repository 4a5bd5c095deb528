"""``apply_workers_exhausted``: a limit of the subscriber prevents a subscription's apply worker from starting."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

ORIGINS = "max_active_replication_origins"
LAUNCHER = 1
"""The launcher itself uses one of max_worker_processes."""
SPARE = 4
"""Workers beside those of the subscriptions, for initial copies of tables."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription without a worker and without an error, where a limit is reached."""
    for affected in affected_subscriptions(context, CUT | {"subscription_without_worker"}):
        if not affected.subscription.enabled or affected.subscription.pid is not None or affected.fails:
            continue
        reached, name = reached_limits(context, affected), affected.node.name
        if not reached:
            continue
        setting, limit, used, confidence = reached[0]
        change, changed = context.blame(affected.node, setting)
        yield Claim(
            subject=affected.about,
            confidence=confidence,
            title=f"{name} has no free worker for {affected.name}",
            summary=f"{affected.name} is enabled and has no apply worker: {setting} = {limit} on {name} is reached "
            f"({used} in use){change}",
            steps=[
                show_settings(name, setting),
                *change_setting(name, setting, str(_enough(affected, limit)), "careful", restart=True),
            ],
            evidence_for=[
                fact("worker", "none", name, "enabled, no errors counted"),
                fact(setting, limit, name, f"{used} in use"),
                *changed,
            ],
        )


def reached_limits(context: DiagnosisContext, affected: AffectedSubscription) -> list[tuple[str, int, int, float]]:
    """Limits that are reached: setting, value, number in use, confidence that this one prevents the start."""
    node = affected.node
    subscriptions = node.sample.subscriptions if node.sample is not None else []
    workers = sum(subscription.workers for subscription in subscriptions)
    others = sum(subscription.enabled for subscription in subscriptions) - 1
    # Each enabled subscription uses an origin.
    origins = limit_of_origins(context, node)
    in_use = (
        ("max_logical_replication_workers", workers, 0.96),
        (origins, others, 0.95),
        ("max_worker_processes", workers + LAUNCHER, 0.9),
    )
    limits = ((setting, context.setting(node, setting), used, sure) for setting, used, sure in in_use)
    return [(setting, int(limit), used, sure) for setting, limit, used, sure in limits if limit and used >= int(limit)]


def limit_of_origins(context: DiagnosisContext, node: NodeState) -> str:
    """The setting that limits a server's replication origins, which have one of their own since PostgreSQL 18."""
    return ORIGINS if context.setting(node, ORIGINS) is not None else "max_replication_slots"


def _enough(affected: AffectedSubscription, limit: int) -> int:
    """A value with room for a worker of each subscription, and for initial copies."""
    subscriptions = affected.node.sample.subscriptions if affected.node.sample is not None else []
    return max(limit, len(subscriptions)) + SPARE


CAUSE = CauseRule(
    code="apply_workers_exhausted",
    find=find,
)
