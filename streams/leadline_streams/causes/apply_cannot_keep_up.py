"""``apply_cannot_keep_up``: changes arrive faster than the apply worker applies them."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.model.incident import Step
from leadline.words import size
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

# With REPLICA IDENTITY FULL, workers of PostgreSQL 16, 17 and 18 were seen to read an index of CREATE INDEX
# CONCURRENTLY before it was built; every later use of it fails with "unexpected zero page at block 0".
_PLAIN = (
    "without CONCURRENTLY, because the worker may read such an index before it is built, which then needs a REINDEX"
)
PARALLEL_SINCE = 160000
"""The version since which several workers can apply one large transaction."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A late subscription whose worker receives changes and waits for nothing but the disk."""
    for affected in affected_subscriptions(context, LATE):
        own, link, name = affected.subscription, affected.link, affected.node.name
        if not own.enabled or own.pid is None or own.received_lsn is None or affected.fails or link is None:
            continue
        if own.wait is not None and not own.wait.startswith("IO/"):
            continue
        parallel = affected.node.node.version_num >= PARALLEL_SINCE
        yield Claim(
            subject=affected.about,
            confidence=0.6,
            title=f"apply on {name} cannot keep up",
            summary=f"the apply worker of {affected.name} is busy and {size(link.lag_units)} of WAL behind; one worker "
            "applies one change after another, and each one scans the table where no index fits its replica identity",
            steps=[
                affected.step(
                    "look",
                    "SELECT relid::regclass, seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables "
                    "ORDER BY seq_tup_read DESC LIMIT 10",
                ),
                Step(
                    risk="careful",
                    node=name,
                    text="Give each table with many rows read by scans the index of the publisher's replica identity, "
                    f"{_PLAIN}; look for triggers on it",
                ),
                *([affected.alter("careful", "SET (streaming = parallel)")] if parallel else []),
            ],
            evidence_for=[
                fact("wait", own.wait or "none: it is busy", name),
                fact("transaction_s", own.transaction_s or 0.0, name, "age of the worker's transaction"),
                fact("lag_bytes", link.lag_units, name),
                fact("growth_bytes_per_s", link.growth_units, name),
            ],
        )


CAUSE = CauseRule(
    code="apply_cannot_keep_up",
    find=find,
)
