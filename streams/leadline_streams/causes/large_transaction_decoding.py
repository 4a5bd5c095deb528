"""``large_transaction_decoding``: a large transaction is decoded, sent and applied, and later ones wait."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.apply import Apply, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.links import is_held_back
from leadline_streams.engines.postgresql.slots import decoded
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.engines.postgresql.subscriptions import is_blocked
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

WORK_MEM = "logical_decoding_work_mem"
PARALLEL_SINCE = 160000


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription that is late while its slot spilled or streamed transactions that did not fit into memory."""
    for it in affected_subscriptions(context, LATE):
        held = it.publisher.held.get(it.slot.name) if it.publisher is not None and it.slot is not None else None
        if it.publisher is None or it.slot is None or held is None or decoded(it.slot) <= held.decoded:
            continue
        if it.fails or not it.subscription.enabled or is_blocked(it.subscription):
            continue
        if it.row is None or is_held_back(it.row):
            continue
        count, up = decoded(it.slot) - held.decoded, it.publisher.name
        yield Claim(
            subject=it.about,
            confidence=0.85,
            title=f"a large transaction passes through {it.name}",
            summary=f"{size(count)} of transactions that do not fit into {WORK_MEM} on {up} were decoded for "
            f"{it.name}; transactions committed after them wait",
            steps=[
                show_senders(up),
                Step(risk="look", text="Wait: the lag ends when the transaction is applied"),
                Step(
                    risk="safe",
                    text=f"To avoid the next one, write in smaller transactions, or raise {WORK_MEM} on {up}",
                ),
                *_stream(it),
            ],
            evidence_for=[
                fact("spill_bytes", it.slot.spill_bytes, up),
                fact("stream_bytes", it.slot.stream_bytes, up),
                fact("retained_bytes", it.slot.retained_bytes, up, f"for slot {it.slot.name}"),
                fact(WORK_MEM, context.shown(it.publisher, WORK_MEM), up),
                fact(
                    "transaction_s",
                    it.subscription.transaction_s or 0.0,
                    it.node.name,
                    "age of the worker's transaction",
                ),
            ],
        )


def _stream(it: Apply) -> list[Step]:
    """Applying begins before the transaction ends; PostgreSQL 16 and later."""
    if it.node.node.version_num < PARALLEL_SINCE:
        return []
    sql = f"ALTER SUBSCRIPTION {quoted(it.subscription.name)} SET (streaming = parallel)"
    return [Step(risk="careful", node=it.node.name, database=it.subscription.database, sql=sql)]


CAUSE = CauseRule(
    code="large_transaction_decoding",
    find=find,
)
