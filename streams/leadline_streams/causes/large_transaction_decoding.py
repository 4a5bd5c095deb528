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
    for subscriber in affected_subscriptions(context, LATE):
        held = (
            subscriber.publisher.held.get(subscriber.slot.name)
            if subscriber.publisher is not None and subscriber.slot is not None
            else None
        )
        if (
            subscriber.publisher is None
            or subscriber.slot is None
            or held is None
            or decoded(subscriber.slot) <= held.decoded
        ):
            continue
        if subscriber.fails or not subscriber.subscription.enabled or is_blocked(subscriber.subscription):
            continue
        if subscriber.row is None or is_held_back(subscriber.row):
            continue
        count, up = decoded(subscriber.slot) - held.decoded, subscriber.publisher.name
        yield Claim(
            subject=subscriber.about,
            confidence=0.85,
            title=f"a large transaction passes through {subscriber.name}",
            summary=f"{size(count)} of transactions that do not fit into {WORK_MEM} on {up} were decoded for "
            f"{subscriber.name}; transactions committed after them wait",
            steps=[
                show_senders(up),
                Step(risk="look", text="Wait: the lag ends when the transaction is applied"),
                Step(
                    risk="safe",
                    text=f"To avoid the next one, write in smaller transactions, or raise {WORK_MEM} on {up}",
                ),
                *_stream(subscriber),
            ],
            evidence_for=[
                fact("spill_bytes", subscriber.slot.spill_bytes, up),
                fact("stream_bytes", subscriber.slot.stream_bytes, up),
                fact("retained_bytes", subscriber.slot.retained_bytes, up, f"for slot {subscriber.slot.name}"),
                fact(WORK_MEM, context.shown(subscriber.publisher, WORK_MEM), up),
                fact(
                    "transaction_s",
                    subscriber.subscription.transaction_s or 0.0,
                    subscriber.node.name,
                    "age of the worker's transaction",
                ),
            ],
        )


def _stream(subscriber: Apply) -> list[Step]:
    """Applying begins before the transaction ends; PostgreSQL 16 and later."""
    if subscriber.node.node.version_num < PARALLEL_SINCE:
        return []
    sql = f"ALTER SUBSCRIPTION {quoted(subscriber.subscription.name)} SET (streaming = parallel)"
    return [Step(risk="careful", node=subscriber.node.name, database=subscriber.subscription.database, sql=sql)]


CAUSE = CauseRule(
    code="large_transaction_decoding",
    find=find,
)
