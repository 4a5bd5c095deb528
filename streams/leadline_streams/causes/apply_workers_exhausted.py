"""``apply_workers_exhausted``: a limit keeps a subscriber from starting a subscription's apply worker."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline_streams.engines.postgresql.apply import Apply, affected_subscriptions
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

ORIGINS = "max_active_replication_origins"
LAUNCHER = 1
"""The launcher takes one of max_worker_processes itself."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription without a worker and without an error, where a limit is reached."""
    for subscriber in affected_subscriptions(context, CUT):
        if not subscriber.subscription.enabled or subscriber.subscription.pid is not None or subscriber.fails:
            continue
        reached = reached_limits(context, subscriber)
        if not reached:
            continue
        setting, limit, used, confidence = reached[0]
        change, changed = context.blame(subscriber.node, setting)
        yield Claim(
            subject=subscriber.about,
            confidence=confidence,
            title=f"{subscriber.node.name} has no free worker for {subscriber.name}",
            summary=f"{subscriber.name} is enabled and has no apply worker: {setting} = {limit} on "
            f"{subscriber.node.name} is "
            f"reached ({used} in use){change}",
            steps=[
                show_settings(subscriber.node.name, setting),
                *change_setting(
                    subscriber.node.name, setting, str(_enough(subscriber, limit)), "careful", restart=True
                ),
            ],
            evidence_for=[
                fact("worker", "none", subscriber.node.name, "enabled, no errors counted"),
                fact(setting, limit, subscriber.node.name, f"{used} in use"),
                *changed,
            ],
        )


def reached_limits(context: DiagnosisContext, subscriber: Apply) -> list[tuple[str, int, int, float]]:
    """Limits that are reached: setting, value, number in use, confidence that this is the reason."""
    subscriptions = subscriber.node.sample.subscriptions if subscriber.node.sample is not None else []
    workers = sum(subscription.workers for subscription in subscriptions)
    others = sum(subscription.enabled for subscription in subscriptions) - 1
    # Each enabled subscription holds an origin; since PostgreSQL 18 these have a limit of their own.
    origins = ORIGINS if context.setting(subscriber.node, ORIGINS) is not None else "max_replication_slots"
    in_use = (
        ("max_logical_replication_workers", workers, 0.96),
        (origins, others, 0.95),
        ("max_worker_processes", workers + LAUNCHER, 0.9),
    )
    limits = ((setting, context.setting(subscriber.node, setting), used, sure) for setting, used, sure in in_use)
    return [(setting, int(limit), used, sure) for setting, limit, used, sure in limits if limit and used >= int(limit)]


def _enough(subscriber: Apply, limit: int) -> int:
    """Enough for a worker of each subscription, and for copies of tables beside them."""
    subscriptions = subscriber.node.sample.subscriptions if subscriber.node.sample is not None else []
    return max(limit, len(subscriptions)) + 4


CAUSE = CauseRule(
    code="apply_workers_exhausted",
    find=find,
)
