"""``apply_cannot_keep_up``: changes arrive, the apply worker is busy, and there is more than it manages."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.words import size
from leadline_streams.engines.postgresql.apply import quoted, troubled
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

# With REPLICA IDENTITY FULL a worker of 16, 17 and 18 was seen to read an index of CREATE INDEX CONCURRENTLY before it
# was built; every use of that index then fails with "unexpected zero page at block 0".
_CAREFULLY = " (without CONCURRENTLY: the worker may read it before it is built, and then it needs a REINDEX)"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A late subscription whose worker streams and waits for nothing but the disk."""
    for it in troubled(context, LATE):
        told, link = it.subscription, it.link
        if not told.enabled or told.pid is None or told.received_lsn is None or it.fails or link is None:
            continue
        if told.wait is not None and not told.wait.startswith("IO/"):
            continue
        busy_s = told.transaction_s or 0.0
        yield Claim(
            subject=it.about,
            confidence=0.6,
            title=f"apply on {it.node.name} cannot keep up",
            summary=f"the apply worker of {it.name} is busy and {size(link.lag_units)} of log behind; one worker "
            "applies change by change, and each costs a scan of the table where no index fits its replica identity",
            fix=f"{it.place} look for tables with many seq_tup_read in pg_stat_user_tables and give them the index of "
            f"the publisher's replica identity{_CAREFULLY}; look for triggers; ALTER SUBSCRIPTION {quoted(told.name)} "
            "SET (streaming = parallel); helps with large transactions (PostgreSQL 16 and later).",
            evidence_for=[
                fact("wait", told.wait or "none: it is busy", it.node.name),
                fact("transaction_s", busy_s, it.node.name, "age of the worker's"),
                fact("lag_bytes", link.lag_units, it.node.name),
                fact("growth_bytes_per_s", link.growth_units, it.node.name),
            ],
        )


CAUSE = CauseRule(
    code="apply_cannot_keep_up",
    find=find,
)
