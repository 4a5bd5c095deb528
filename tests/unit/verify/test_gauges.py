"""Coverage and age of the proofs, as numbers that people can watch."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from leadline import metrics
from leadline.clock import epoch
from leadline.model.verification import TableVerification
from leadline_verify.scheduled import gauges, record
from tests.unit.verify.test_scheduled import NOW, after, ago, begun, link, reported

NAMES = {"cluster": "orders", "downstream": "pg-4"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    gauges.show([])


def value(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


def test_each_table_has_the_age_of_its_proof_and_its_coverage() -> None:
    """A table without a proof has the time 0, so that its age is beyond every limit."""
    last = after(begun("public.a", "public.b"), reported("equal", at=ago(2)))
    gauges.show([last])
    proven = epoch(last.tables[-1].equal_at or NOW)
    assert value("leadline_verify_proof_timestamp_seconds", **NAMES, table="public.a") == proven
    assert value("leadline_verify_proof_timestamp_seconds", **NAMES, table="public.b") == 0
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.a") == 1
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.b") == 0
    assert value("leadline_verify_oldest_proof_timestamp_seconds", cluster="orders") == 0
    assert [value("leadline_verify_tables", state=state) for state in ("equal", "waiting")] == [1, 1]


def test_the_oldest_proof_of_a_cluster_is_that_of_its_worst_link() -> None:
    first = after(begun(), reported("equal", at=ago(1)))
    second = replace(first, downstream=link(downstream="pg-5").downstream, equal_at=ago(9))
    gauges.show([first, second])
    assert value("leadline_verify_oldest_proof_timestamp_seconds", cluster="orders") == epoch(ago(9))


def test_a_table_that_is_gone_is_shown_no_more() -> None:
    last = after(begun(), reported("equal"))
    gauges.show([last])
    gauges.show([record.with_tables(last, ["public.b"])])
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.a") is None
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.b") == 0


def test_only_so_many_tables_have_numbers_of_their_own() -> None:
    """Those whose proof is oldest; all of them are counted by their state."""
    tables = [TableVerification(table=f"public.t{at}", equal_at=ago(at), coverage=1.0, compared_at=NOW)
              for at in range(gauges.MOST + 50)]  # fmt: skip
    gauges.show([replace(begun(), tables=tables)])
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.t0") is None
    assert value("leadline_verify_coverage_ratio", **NAMES, table="public.t249") == 1
    assert value("leadline_verify_tables", state="equal") == gauges.MOST + 50


def test_what_was_read_is_counted_once() -> None:
    """A comparison that is gone on with later counts its chunks when it comes to its end."""

    def counted() -> list[float]:
        outcomes = ("matching", "different", "undecided")
        chunks = [metrics.VERIFY_CHUNKS.labels(outcome)._value.get() for outcome in outcomes]
        return [metrics.VERIFY_ROWS._value.get(), *chunks]

    before = counted()
    whole = replace(reported("different", chunks=9, chunks_different=3, chunks_undecided=1), rows_read=900)
    gauges.count(replace(whole, ended_early="its hours are over", rows_read=400))
    gauges.count(replace(whole, rows_read=500))
    assert [after - then for after, then in zip(counted(), before, strict=True)] == [900, 5, 3, 1]
