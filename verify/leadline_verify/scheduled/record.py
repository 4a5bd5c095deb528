"""The result of a comparison joined with what was known of its link before. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from leadline.model.alert import Evidence
from leadline.model.ids import ClusterName, NodeName
from leadline.model.verification import (
    MOST_DIFFERENCES,
    MOST_ROWS,
    MOST_TABLES,
    ChunkCounts,
    Outcome,
    ReportedRow,
    SchemaDifference,
    SequenceDifference,
    TableDifference,
    TableVerification,
    Verification,
)
from leadline.settings.verify import Keys, VerifiedLinkSettings
from leadline.wire import MAX_RECORD_BYTES, encode
from leadline_verify.outcome import RowFinding, TableResult, VerifyReport
from leadline_verify.scheduled.masking import key_in_words

LONGEST_REASON: Final = 300
FEW_ROWS: Final = 5


def plain_name(quoted: str) -> str:
    """A quoted name as people write it: ``public.items``."""
    schema, _, name = quoted.removeprefix('"').removesuffix('"').partition('"."')
    return ".".join(part.replace('""', '"') for part in (schema, name) if part)


def begun(link: VerifiedLinkSettings, asked_at: datetime) -> Verification:
    """The record of a link of which nothing is known."""
    return Verification(
        cluster=ClusterName(link.cluster),
        link=link.link,
        upstream=NodeName(link.upstream),
        downstream=NodeName(link.downstream),
        link_kind="logical" if link.subscription else "physical",
        name=link.subscription,
        run_id="none",
        started_at=asked_at,
        ended_at=asked_at,
        asked_at=asked_at,
        outcome="undecided",
        detail="nothing was compared yet",
        cut_over=link.cut_over,
    )


def of_settings(last: Verification, link: VerifiedLinkSettings) -> Verification:
    """A record of an earlier process under the present settings."""
    return replace(last, cut_over=link.cut_over)


def with_tables(last: Verification, tables: Sequence[str]) -> Verification:
    """The record with the tables that exist now: those that are gone are dropped, new ones are not compared yet."""
    known = {each.table: each for each in last.tables}
    return _settled(last, [known.get(name) or TableVerification(table=name) for name in tables])


def with_definitions(
    last: Verification, schema: Sequence[SchemaDifference], sequences: Sequence[SequenceDifference]
) -> Verification:
    """The record with what was found beyond rows, those that break replication first."""
    first = sorted(schema, key=lambda each: (not each.breaks, each.table, each.code))
    return replace(
        last, schema_differences=first[:MOST_DIFFERENCES], sequences_behind=list(sequences)[:MOST_DIFFERENCES]
    )


def failed(last: Verification, detail: str, at: datetime) -> Verification:
    """The record after a comparison that ended by an error; what was known before stays."""
    return replace(last, outcome="failed", detail=detail[:LONGEST_REASON], ended_at=at)


def with_report(last: Verification, report: VerifyReport, run_id: str, keys: Keys) -> Verification:
    """The record after a comparison of some of its tables."""
    results = {plain_name(each.table): each for each in report.tables}
    rows: dict[str, list[RowFinding]] = {}
    for row in report.differences:
        rows.setdefault(plain_name(row.table), []).append(row)
    tables = [
        _compared(each, results[each.table], rows.get(each.table, ()), last, report, keys)
        if each.table in results
        else each
        for each in last.tables
    ]
    changed = replace(
        last,
        run_id=run_id,
        started_at=report.started_at,
        ended_at=report.ended_at,
        canary=last.canary if report.canary == "not_planted" else report.canary,
        detail=report.ended_early[:LONGEST_REASON],
    )
    return _settled(changed, tables)


def _compared(
    before: TableVerification,
    result: TableResult,
    rows: Iterable[RowFinding],
    last: Verification,
    report: VerifyReport,
    keys: Keys,
) -> TableVerification:
    proven = result.state == "equal" and not report.blind
    equal_at = report.started_at if proven else before.equal_at
    undecided = Counter(part.reason[:LONGEST_REASON] for part in result.undecided)
    estimate = max(result.estimate_upstream or 0, result.rows_upstream + 1)
    whole = result.state in ("equal", "different") and not result.undecided
    return TableVerification(
        table=before.table,
        rows_compared=result.rows_upstream,
        upstream_rows=result.estimate_upstream,
        downstream_rows=result.estimate_downstream,
        coverage=1.0 if whole else min(0.999, result.rows_upstream / estimate),
        chunks=ChunkCounts(
            matching=max(0, result.chunks - result.chunks_different - result.chunks_undecided),
            different=result.chunks_different,
            undecided=result.chunks_undecided,
        ),
        undecided=dict(undecided),
        difference=_difference(before.table, result, list(rows), last, keys),
        refused=result.reason[:LONGEST_REASON] or "not compared" if result.state == "not_compared" else None,
        compared_at=report.ended_at,
        equal_at=equal_at,
    )


def _difference(
    table: str, result: TableResult, rows: list[RowFinding], last: Verification, keys: Keys
) -> TableDifference | None:
    if not result.differing_rows and not rows:
        return None
    kinds = Counter(row.kind for row in rows)
    return TableDifference(
        table=table,
        missing=kinds["missing"],
        extra=kinds["extra"],
        changed=kinds["changed"],
        unlisted=max(0, result.differing_rows - len(rows)),
        first=[
            ReportedRow(kind=row.kind, key=key_in_words(row.key, keys), columns=list(row.columns))
            for row in rows[:MOST_ROWS]
        ],
        signs=[
            Evidence(name=each.code, value=each.detail, note=f"{each.table}")
            for each in last.schema_differences
            if each.table == table
        ],
    )


def _settled(last: Verification, tables: list[TableVerification]) -> Verification:
    """The record with its tables, and with the outcome and the age that follow from them."""
    proofs = [each.equal_at for each in tables]
    different = [each for each in tables if each.difference is not None]
    waiting = [each for each in tables if each.difference is None and (each.coverage < 1 or each.compared_at is None)]
    outcome: Outcome = "different" if different else "undecided" if waiting or not tables else "equal"
    detail = last.detail
    if outcome == "undecided" and not detail:
        detail = f"{len(waiting)} of {len(tables)} tables were not compared as a whole"
    shown = sorted(
        tables, key=lambda each: (each.difference is None, each.equal_at is not None, each.equal_at, each.table)
    )
    return replace(
        last,
        outcome=outcome,
        detail=detail if outcome == "undecided" else "",
        tables=shown,
        equal_at=min((at for at in proofs if at is not None), default=None) if all(proofs) and tables else None,
    )


def fitting(record: Verification) -> Verification:
    """The record within the limits of its topic: with fewer rows and tables where it has too many."""
    tables = record.tables[:MOST_TABLES]
    fits = replace(record, tables=tables, tables_left_out=len(record.tables) - len(tables))
    if len(encode(fits)) <= MAX_RECORD_BYTES:
        return fits
    fits = replace(fits, tables=[_with_few_rows(each) for each in tables])
    while len(encode(fits)) > MAX_RECORD_BYTES:
        tables = fits.tables[: len(fits.tables) // 2]
        fits = replace(fits, tables=tables, tables_left_out=len(record.tables) - len(tables))
    return fits


def _with_few_rows(table: TableVerification) -> TableVerification:
    difference = table.difference
    if difference is None:
        return table
    return replace(
        table, difference=replace(difference, first=difference.first[:FEW_ROWS], signs=difference.signs[:FEW_ROWS])
    )
