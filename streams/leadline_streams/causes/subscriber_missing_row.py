"""``subscriber_missing_row``: a row that is to be changed or deleted is not on the subscriber; the change is lost."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import LOG, MISSING, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Conflicts of missing rows, which are skipped without an error."""
    for subscriber in affected_subscriptions(context, RULES):
        kinds = subscriber.counted(*MISSING)
        if not kinds:
            continue
        count = sum(kinds.values())
        yield Claim(
            subject=subscriber.about,
            confidence=0.95,
            title=f"rows are missing on {subscriber.node.name}",
            summary=f"{subscriber.name} skips changes whose rows are not on the subscriber ({', '.join(kinds)}; "
            f"{count} in "
            "5 min): the two sides differ, and apply continues without an error",
            steps=[
                Step(risk="look", text=f"Read the server log of {subscriber.node.name}: {LOG}"),
                Step(
                    risk="careful",
                    text="Compare the tables and copy the missing rows from the publisher; find out what deletes "
                    "rows on the "
                    "subscriber and revoke its right",
                ),
            ],
            evidence_for=[fact(kind, count, subscriber.node.name, "in 5 min") for kind, count in kinds.items()],
        )


CAUSE = CauseRule(
    code="subscriber_missing_row",
    find=find,
)
