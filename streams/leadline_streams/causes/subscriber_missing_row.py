"""``subscriber_missing_row``: a row to be changed or deleted does not exist on the subscriber; the change is lost."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import LOG_LINES, MISSING, affected_subscriptions
from leadline_streams.engines.postgresql.divergence import divergences, of_subscription
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict"})
FIND_CONFLICTS = "Find the messages 'conflict detected' in the server log"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts of missing rows, which are skipped without an error."""
    for affected in affected_subscriptions(context, RULES):
        kinds, name = affected.counted(*MISSING), affected.node.name
        if not kinds:
            continue
        yield Claim(
            subject=affected.about,
            confidence=0.95,
            title=f"rows are missing on {name}",
            summary=f"{affected.name} skips changes whose rows are not on the subscriber ({', '.join(kinds)}; "
            f"{sum(kinds.values())} in 5 min): the two sides differ, and apply continues without an error",
            steps=[
                affected.show,
                Step(risk="look", node=name, text=f"{FIND_CONFLICTS}: {LOG_LINES}"),
                Step(
                    risk="careful",
                    node=name,
                    database=affected.subscription.database,
                    text="Compare the tables and copy the missing rows from the publisher; find out what deletes "
                    "rows on the subscriber and revoke its right",
                ),
            ],
            evidence_for=[
                *(fact(kind, count, name, "in 5 min") for kind, count in kinds.items()),
                *of_subscription(context, name, affected.subscription.name),
            ],
        )
    yield from _of_differences(context)


def _of_differences(context: DiagnosisContext) -> Iterator[Claim]:
    """Rows that a comparison found missing, of a subscription that has skipped changes of missing rows."""
    for found in divergences(context):
        subscription, down = found.subscription, found.down
        if down is None or subscription is None or not found.missing:
            continue
        counted = {kind: count for kind, count in subscription.conflicts.items() if kind in MISSING and count}
        if not counted:
            continue
        times = sum(counted.values())
        yield Claim(
            subject=found.about,
            confidence=0.8,
            title=f"rows are missing on {down.name}",
            summary=f"{found.words}; subscription {subscription.name} has skipped {times} "
            f"change{'s' if times > 1 else ''} of rows that were not there, without an error",
            steps=[
                found.compare,
                Step(risk="look", node=down.name, text=f"{FIND_CONFLICTS}: {LOG_LINES}"),
                found.repair,
            ],
            evidence_for=[
                *(fact(kind, count, down.name, "since the counters were reset") for kind, count in counted.items()),
                *found.evidence,
            ],
        )


CAUSE = CauseRule(
    code="subscriber_missing_row",
    find=find,
)
