"""``long_transaction_on_primary``: an open transaction keeps a logical slot's log, however fast its consumer is."""

from collections.abc import Iterator

from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import forgotten, kept_for_transactions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A logical slot that confirms as it goes while its restart position stays, and an old transaction beside it."""
    for node in context.nodes:
        sample = node.sample
        if not node.answers or sample is None or sample.activity is None:
            continue
        oldest = forgotten(sample.activity)
        for slot in sample.slots:
            kept = kept_for_transactions(slot)
            if oldest is None or kept is None:
                continue
            yield Claim(
                subject=context.about_slot(node, slot.name),
                confidence=0.88,
                title=f"a long transaction on {node.name} keeps the log of slot {slot.name}",
                summary=f"transaction of pid {oldest.pid} on {node.name}, {duration(oldest.age_s)} old, keeps "
                f"{size(kept)} of log that the consumer of slot {slot.name} has confirmed",
                fix=f"On {node.name}: SELECT pg_terminate_backend({oldest.pid}); "
                "idle_in_transaction_session_timeout ends such transactions by itself.",
                evidence_for=[
                    fact("oldest_transaction", f"pid {oldest.pid}, {oldest.state}", node.name, oldest.query),
                    fact("confirmed_lsn", slot.confirmed_lsn, node.name),
                    fact("restart_lsn", slot.restart_lsn, node.name),
                ],
            )


CAUSE = CauseRule(
    code="long_transaction_on_primary",
    find=find,
)
