"""``large_transaction_decoding``: one large transaction is decoded, sent and applied, and all behind it waits."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.words import size
from leadline_streams.engines.postgresql.apply import quoted, troubled
from leadline_streams.engines.postgresql.links import is_held_back
from leadline_streams.engines.postgresql.slots import decoded
from leadline_streams.engines.postgresql.subscriptions import is_blocked
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

WORK_MEM = "logical_decoding_work_mem"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that is late while its slot spilled or streamed what did not fit into memory."""
    for it in troubled(context, LATE):
        held = it.publisher.held.get(it.slot.name) if it.publisher is not None and it.slot is not None else None
        if it.publisher is None or it.slot is None or held is None or decoded(it.slot) <= held.decoded:
            continue
        if it.fails or not it.subscription.enabled or is_blocked(it.subscription):
            continue
        if it.row is None or is_held_back(it.row):
            continue
        count, up = decoded(it.slot) - held.decoded, it.publisher.name
        name = quoted(it.subscription.name)
        yield Claim(
            subject=it.about,
            confidence=0.85,
            title=f"a large transaction passes through {it.name}",
            summary=f"{size(count)} of transactions that do not fit into {WORK_MEM} on {up} were decoded for "
            f"{it.name}; what was committed after them waits",
            fix=f"Wait: it passes. Then write in smaller transactions; on {up}: raise {WORK_MEM}; {it.place} ALTER "
            f"SUBSCRIPTION {name} SET (streaming = parallel); (PostgreSQL 16 and later).",
            evidence_for=[
                fact("spill_bytes", it.slot.spill_bytes, up),
                fact("stream_bytes", it.slot.stream_bytes, up),
                fact("retained_bytes", it.slot.retained_bytes, up, f"kept for slot {it.slot.name}"),
                fact(WORK_MEM, context.shown(it.publisher, WORK_MEM), up),
                fact("transaction_s", it.subscription.transaction_s or 0.0, it.node.name, "age of the worker's"),
            ],
        )


CAUSE = CauseRule(
    code="large_transaction_decoding",
    find=find,
)
