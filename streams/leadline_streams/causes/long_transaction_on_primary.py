"""``long_transaction_on_primary``: an open transaction makes a logical slot retain WAL."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import oldest_writer, retained_for_transactions
from leadline_streams.engines.postgresql.statements import end_session, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A logical slot that confirms changes while its restart position stays, beside an old transaction."""
    for node in context.nodes:
        sample = node.sample
        if not node.answers or sample is None or sample.activity is None:
            continue
        oldest = oldest_writer(sample.activity)
        for slot in sample.slots:
            kept = retained_for_transactions(slot)
            if oldest is None or kept is None:
                continue
            yield Claim(
                subject=context.about_slot(node, slot.name),
                confidence=0.88,
                title=f"a long transaction on {node.name} makes slot {slot.name} retain WAL",
                summary=f"transaction of pid {oldest.pid} on {node.name}, {duration(oldest.age_s)} old, retains "
                f"{size(kept)} of WAL that the consumer of slot {slot.name} has confirmed",
                steps=[
                    show_session(node.name, oldest.pid),
                    Step(risk="look", text="Let its owner end the transaction; if nobody needs it, end the session"),
                    *end_session(node.name, oldest),
                    Step(risk="safe", text="idle_in_transaction_session_timeout ends such transactions by itself"),
                ],
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
