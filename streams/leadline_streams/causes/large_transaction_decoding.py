"""``large_transaction_decoding``: a large transaction is decoded, sent and applied, and later ones wait."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.links import is_held_back
from leadline_streams.engines.postgresql.slots import decoded_bytes
from leadline_streams.engines.postgresql.statements import show_senders, show_settings
from leadline_streams.engines.postgresql.subscriptions import is_blocked
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.verdict import STALLED_S

WORK_MEM = "logical_decoding_work_mem"
STREAMED = 0.7
"""Confidence while nothing of the transaction is counted yet."""
PARALLEL_SINCE = 160000
"""The version since which applying can begin before the transaction ends."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that is late while its slot spilled or streamed transactions that did not fit into memory.

    The server counts what it streams when a part has been sent; until then a second worker shows that one is streamed.
    """
    for affected in affected_subscriptions(context, LATE):
        publisher, slot, own = affected.publisher, affected.slot, affected.subscription
        if publisher is None or slot is None:
            continue
        held = publisher.held.get(slot.name)
        count = decoded_bytes(slot) - held.decoded if held is not None else 0
        if count <= 0 and not _is_streamed(context, affected):
            continue
        if affected.fails or not own.enabled or is_blocked(own):
            continue
        if affected.row is None or is_held_back(affected.row):
            continue
        up = publisher.name
        done = f"{size(count)} of transactions that do not fit into {WORK_MEM} on {up} were decoded for {affected.name}"
        if count <= 0:
            done = f"a transaction that does not fit into {WORK_MEM} on {up} is sent to {affected.name} before it ends"
        yield Claim(
            subject=affected.about,
            confidence=0.85 if count > 0 else STREAMED,
            title=f"a large transaction passes through {affected.name}",
            summary=f"{done}; transactions committed after {'them' if count > 0 else 'it'} wait",
            steps=_steps(affected, up),
            evidence_for=[
                fact("spill_bytes", slot.spill_bytes, up),
                fact("stream_bytes", slot.stream_bytes, up),
                fact("retained_bytes", slot.retained_bytes, up, f"for slot {slot.name}"),
                fact(WORK_MEM, context.shown(publisher, WORK_MEM), up),
                fact("workers", own.workers, affected.node.name, "more than one while a transaction is streamed"),
                fact("transaction_s", own.transaction_s or 0.0, affected.node.name, "age of the worker's transaction"),
            ],
        )


def _is_streamed(context: DiagnosisContext, affected: AffectedSubscription) -> bool:
    """Whether a second worker applies, the sender waits for the first, and nothing is committed meanwhile."""
    row, link, own, sample = affected.row, affected.link, affected.subscription, affected.node.sample
    copies = sample.copies if sample is not None else ()
    if row is None or link is None or own.workers <= 1 or any(copy.subscription == own.name for copy in copies):
        return False
    return (row.wait or "").endswith("/WalSenderWriteData") and context.now - link.moved_at >= STALLED_S


def _steps(affected: AffectedSubscription, up: NodeName) -> list[Step]:
    """Nothing shortens the present lag; the changes prevent the next one."""
    prevent = f"To prevent the next such lag, write in smaller transactions, or raise {WORK_MEM} on {up}"
    parallel = affected.node.node.version_num >= PARALLEL_SINCE
    return [
        show_senders(up),
        show_settings(up, WORK_MEM),
        Step(risk="look", text="Wait: the lag ends when the transaction is applied"),
        Step(risk="safe", text=prevent),
        *([affected.alter("careful", "SET (streaming = parallel)")] if parallel else []),
    ]


CAUSE = CauseRule(
    code="large_transaction_decoding",
    find=find,
)
