"""``orphan_prepared_transaction``: a prepared transaction that nobody finishes makes a logical slot retain WAL."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import forgotten, forgotten_prepared, kept_for_transactions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A logical slot that confirms changes while its restart position stays, beside an old prepared transaction."""
    for node in context.nodes:
        activity = node.sample.activity if node.answers and node.sample is not None else None
        if node.sample is None or activity is None or not forgotten_prepared(activity):
            continue
        session = forgotten(activity)
        older = session is None or session.age_s < activity.prepared_oldest_s
        for slot in node.sample.slots:
            kept = kept_for_transactions(slot)
            if kept is None:
                continue
            yield Claim(
                subject=context.about_slot(node, slot.name),
                confidence=0.91 if older else 0.6,
                title=f"a prepared transaction on {node.name} makes slot {slot.name} retain WAL",
                summary=f"{activity.prepared_transactions} prepared transactions on {node.name}, the oldest "
                f"{duration(activity.prepared_oldest_s)} old, retain {size(kept)} of WAL that the consumer of slot "
                f"{slot.name} has confirmed",
                steps=[
                    Step(
                        risk="look",
                        node=node.name,
                        sql="SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared",
                    ),
                    Step(
                        risk="destructive",
                        text="Ask the transaction manager of the oldest one for its outcome, then run COMMIT "
                        "PREPARED or "
                        "ROLLBACK PREPARED with its gid in its database",
                    ),
                ],
                evidence_for=[
                    fact("prepared_transactions", activity.prepared_transactions, node.name),
                    fact(
                        "prepared_oldest_s",
                        activity.prepared_oldest_s,
                        node.name,
                        "older than the transaction of any session",
                    ),
                    fact("confirmed_lsn", slot.confirmed_lsn, node.name),
                    fact("restart_lsn", slot.restart_lsn, node.name),
                ],
            )


CAUSE = CauseRule(
    code="orphan_prepared_transaction",
    find=find,
)
