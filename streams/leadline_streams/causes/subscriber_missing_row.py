"""``subscriber_missing_row``: a row to be changed or deleted does not exist on the subscriber; the change is lost."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import LOG_LINES, MISSING, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts of missing rows, which are skipped without an error."""
    for affected in affected_subscriptions(context, RULES):
        kinds, name = affected.counted(*MISSING), affected.node.name
        if not kinds:
            continue
        found = "Find the messages 'conflict detected' in the server log"
        yield Claim(
            subject=affected.about,
            confidence=0.95,
            title=f"rows are missing on {name}",
            summary=f"{affected.name} skips changes whose rows are not on the subscriber ({', '.join(kinds)}; "
            f"{sum(kinds.values())} in 5 min): the two sides differ, and apply continues without an error",
            steps=[
                affected.show,
                Step(risk="look", node=name, text=f"{found}: {LOG_LINES}"),
                Step(
                    risk="careful",
                    node=name,
                    database=affected.subscription.database,
                    text="Compare the tables and copy the missing rows from the publisher; find out what deletes "
                    "rows on the subscriber and revoke its right",
                ),
            ],
            evidence_for=[fact(kind, count, name, "in 5 min") for kind, count in kinds.items()],
        )


CAUSE = CauseRule(
    code="subscriber_missing_row",
    find=find,
)
