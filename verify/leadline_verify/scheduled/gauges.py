"""Coverage and age of the proofs as metrics, of a bounded number of tables."""

from collections import Counter
from collections.abc import Collection
from typing import Final

from leadline import metrics
from leadline.clock import epoch
from leadline.model.verification import TableVerification, Verification
from leadline_verify.outcome import VerifyReport

MOST: Final = 200


def show(records: Collection[Verification]) -> None:
    """Set the gauges to what is known now."""
    states = Counter(state_of(table) for record in records for table in record.tables)
    for state in ("equal", "different", "undecided", "refused", "waiting"):
        metrics.VERIFY_TABLES.labels(state).set(states[state])
    oldest: dict[str, float] = {}
    for record in records:
        proven = epoch(record.equal_at) if record.equal_at is not None else 0.0
        oldest[record.cluster] = min(proven, oldest.get(record.cluster, proven))
    for cluster, at in oldest.items():
        metrics.VERIFY_OLDEST_PROOF.labels(cluster).set(at)
    ranked = sorted(
        (epoch(table.equal_at) if table.equal_at is not None else 0.0, record.cluster, record.downstream, table.table)
        for record in records
        for table in record.tables
    )
    covered: dict[tuple[str, str, str], float] = {
        (record.cluster, record.downstream, table.table): table.coverage
        for record in records
        for table in record.tables
    }
    metrics.VERIFY_PROOF.clear()
    metrics.VERIFY_COVERAGE.clear()
    for at, *names in ranked[:MOST]:
        metrics.VERIFY_PROOF.labels(*names).set(at)
        cluster, downstream, name = names
        metrics.VERIFY_COVERAGE.labels(*names).set(covered[cluster, downstream, name])


def count(report: VerifyReport) -> None:
    """Count what a comparison has read and, when it came to its end, decided."""
    metrics.VERIFY_ROWS.inc(report.rows_read)
    for table in report.tables if not report.ended_early else ():
        different, undecided = table.chunks_different, table.chunks_undecided
        outcomes = {"matching": table.chunks - different - undecided, "different": different, "undecided": undecided}
        for outcome, chunks in outcomes.items():
            metrics.VERIFY_CHUNKS.labels(outcome).inc(max(0, chunks))


def state_of(table: TableVerification) -> str:
    """A table in one word."""
    if table.difference is not None:
        return "different"
    if table.refused is not None:
        return "refused"
    if table.compared_at is None:
        return "waiting"
    return "equal" if table.coverage >= 1 else "undecided"
