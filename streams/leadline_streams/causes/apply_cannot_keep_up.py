"""``apply_cannot_keep_up``: changes arrive faster than the apply worker applies them."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

# With REPLICA IDENTITY FULL a worker of 16, 17 and 18 was seen to read an index of CREATE INDEX CONCURRENTLY before it
# was built; every use of that index then fails with "unexpected zero page at block 0".
_PLAIN = (
    "without CONCURRENTLY, because the worker may read such an index before it is built, which then needs a REINDEX"
)

PARALLEL = 160000
"""Since this version large transactions can be applied by several workers."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A late subscription whose worker streams and waits for nothing but the disk."""
    for subscriber in affected_subscriptions(context, LATE):
        own, link = subscriber.subscription, subscriber.link
        if not own.enabled or own.pid is None or own.received_lsn is None or subscriber.fails or link is None:
            continue
        if own.wait is not None and not own.wait.startswith("IO/"):
            continue
        busy_s = own.transaction_s or 0.0
        yield Claim(
            subject=subscriber.about,
            confidence=0.6,
            title=f"apply on {subscriber.node.name} cannot keep up",
            summary=f"the apply worker of {subscriber.name} is busy and {size(link.lag_units)} of WAL behind; one "
            f"worker "
            "applies one change after another, and each one scans the table where no index fits its replica identity",
            steps=[
                subscriber.step(
                    "look",
                    "SELECT relid::regclass, seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables "
                    "ORDER BY seq_tup_read DESC LIMIT 10",
                ),
                Step(
                    risk="careful",
                    text="Give each table with many rows read by scans the index of the publisher's replica identity, "
                    f"{_PLAIN}; look for triggers on it",
                ),
                *(
                    [subscriber.alter("careful", "SET (streaming = parallel)")]
                    if subscriber.node.node.version_num >= PARALLEL
                    else []
                ),
            ],
            evidence_for=[
                fact("wait", own.wait or "none: it is busy", subscriber.node.name),
                fact("transaction_s", busy_s, subscriber.node.name, "age of its transaction"),
                fact("lag_bytes", link.lag_units, subscriber.node.name),
                fact("growth_bytes_per_s", link.growth_units, subscriber.node.name),
            ],
        )


CAUSE = CauseRule(
    code="apply_cannot_keep_up",
    find=find,
)
