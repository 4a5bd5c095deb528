"""Verifications: what was proven equal, how much of it, and how old the proof is; links that differ come first."""

from datetime import datetime
from typing import Final

import msgspec

from leadline.model.alert import Evidence
from leadline.model.verification import SchemaDifference, SequenceDifference, TableVerification, Verification
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages.causes import Fact, fact
from leadline_console.read_model import ReadModel
from leadline_console.wording import age, many

ORDER: Final = {"different": 0, "failed": 1, "undecided": 2, "equal": 3}
A_PAGE: Final = 50
MOST_TABLES_SHOWN: Final = 300


class VerificationRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last comparison of one link."""

    link: str
    cluster: str
    upstream: str
    downstream: str
    name: str
    kind: str
    outcome: str
    is_trusted: bool
    """Whether the run found the difference that it planted in its own computation. If not, it proved nothing."""
    detail: str
    rows_different: int
    tables_different: int
    tables: int
    tables_equal: int
    """Tables that were ever proven equal as a whole."""
    coverage: float | None
    """The smallest part of a table that was compared, 0 to 1; None without a table."""
    ended_at: datetime
    equal_at: datetime | None
    """Since then, or later, every row was compared and equal; None where that never was so."""
    proof_age_s: float
    """Age of the oldest proof; since the first request where there is none."""
    breaking: int
    """Differences of definitions by which replication stops or loses changes."""
    sequences_behind: int
    cut_over: bool


class VerifiedTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table."""

    table: str
    outcome: str
    """``different``, ``refused``, ``undecided``, ``equal`` or ``not compared``."""
    coverage: float
    rows_compared: int
    difference: str
    """The rows that differ in words: ``12 missing, 1 changed``; empty without one."""
    first: list[str]
    """The first rows that differ."""
    signs: list[Fact]
    """The causes that can have brought the difference about."""
    why: str
    """The reason for which it cannot be compared, or is undecided; empty otherwise."""
    compared_at: datetime | None
    equal_at: datetime | None


class VerificationsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Verifications of all links, or of the one that is asked for."""

    first_line: str
    link: str
    rows: list[VerificationRow]
    """Those of this page of the list, worst first."""
    page: int
    pages: int
    not_verified: int
    """Links of which no comparison is on record."""
    tables: list[VerifiedTable]
    """Of the link that is asked for, worst first."""
    tables_left_out: int
    definitions: list[SchemaDifference]
    sequences: list[SequenceDifference]


def view(model: ReadModel, asked: Asked) -> VerificationsPage:
    """``link`` shows one link with its tables, ``page`` a part of the list. Raises NotFound."""
    ident = asked.text("link")
    rows = sorted((_row(each, asked.now) for each in model.verifications.values()), key=_worst)
    missing = sum(1 for link in model.links if link not in model.verifications)
    if not ident:
        pages = max(1, -(-len(rows) // A_PAGE))
        page = asked.number("page", 1, least=1, most=pages)
        return VerificationsPage(
            first_line=_overview(rows, missing),
            link="",
            rows=rows[(page - 1) * A_PAGE : page * A_PAGE],
            page=page,
            pages=pages,
            not_verified=missing,
            tables=[],
            tables_left_out=0,
            definitions=[],
            sequences=[],
        )
    found = model.verifications.get(ident)
    if found is None:
        raise NotFound(f"no verification of link {ident!r} is on record; `leadline verify --help` says how to make one")
    row = _row(found, asked.now)
    tables = sorted((_table(each) for each in found.tables), key=_worst_table)
    return VerificationsPage(
        first_line=_about(row),
        link=ident,
        rows=[row],
        page=1,
        pages=1,
        not_verified=missing,
        tables=tables[:MOST_TABLES_SHOWN],
        tables_left_out=found.tables_left_out + max(0, len(tables) - MOST_TABLES_SHOWN),
        definitions=sorted(found.schema_differences, key=lambda each: (not each.breaks, each.table, each.code)),
        sequences=list(found.sequences_behind),
    )


def _row(found: Verification, now: datetime) -> VerificationRow:
    differences = found.differences
    return VerificationRow(
        link=found.link,
        cluster=found.cluster,
        upstream=found.upstream,
        downstream=found.downstream,
        name=found.name,
        kind=found.link_kind,
        outcome=found.outcome,
        is_trusted=found.canary != "missed",
        detail=found.detail,
        rows_different=sum(each.rows for each in differences),
        tables_different=len(differences),
        tables=len(found.tables) + found.tables_left_out,
        tables_equal=sum(1 for each in found.tables if each.equal_at is not None),
        coverage=min((each.coverage for each in found.tables if each.refused is None), default=None),
        ended_at=found.ended_at,
        equal_at=found.equal_at,
        proof_age_s=max(0.0, (now - (found.equal_at or found.asked_at)).total_seconds()),
        breaking=sum(1 for each in found.schema_differences if each.breaks),
        sequences_behind=len(found.sequences_behind),
        cut_over=found.cut_over,
    )


def _table(each: TableVerification) -> VerifiedTable:
    found = each.difference
    counts = (
        [(found.missing, "missing"), (found.extra, "extra"), (found.changed, "changed"), (found.unlisted, "more")]
        if found is not None
        else []
    )
    signs: list[Evidence] = found.signs if found is not None else []
    return VerifiedTable(
        table=each.table,
        outcome=_outcome(each),
        coverage=each.coverage,
        rows_compared=each.rows_compared,
        difference=", ".join(f"{number} {kind}" for number, kind in counts if number),
        first=[_shown_row(row.kind, row.key, row.columns) for row in (found.first if found is not None else [])],
        signs=[fact(sign) for sign in signs],
        why=each.refused or ", ".join(f"{number} parts: {reason}" for reason, number in each.undecided.items()),
        compared_at=each.compared_at,
        equal_at=each.equal_at,
    )


def _outcome(each: TableVerification) -> str:
    if each.difference is not None:
        return "different"
    if each.refused is not None:
        return "refused"
    if each.compared_at is None:
        return "not compared"
    whole = each.coverage >= 1 and not each.chunks.undecided
    return "equal" if whole and each.equal_at is not None else "undecided"


def _shown_row(kind: str, key: str | None, columns: list[str]) -> str:
    return f"{kind}: {key or 'keys are not reported'}{' (' + ', '.join(columns) + ')' if columns else ''}"


def _overview(rows: list[VerificationRow], missing: int) -> str:
    if not rows:
        return "No data was compared: whether replicas hold what their primaries hold is not known."
    more = f" Never compared: {many(missing, 'link')}." if missing else ""
    wrong = [row for row in rows if row.outcome == "different"]
    if wrong:
        hold = "holds" if len(wrong) == 1 else "hold"
        return f"{many(len(wrong), 'link')} {hold} other data than the upstream. Begin with {_about(wrong[0])}{more}"
    unproven = [row for row in rows if row.outcome != "equal" or not row.is_trusted]
    if unproven:
        return f"No difference is confirmed; not proven equal: {len(unproven)} of {many(len(rows), 'link')}.{more}"
    oldest = max(row.proof_age_s for row in rows)
    return f"Proven equal: {many(len(rows), 'link')}; the oldest proof is {age(oldest)} old.{more}"


def _about(row: VerificationRow) -> str:
    link = f"{row.upstream} → {row.downstream}"
    if not row.is_trusted:
        return f"{link}: the verifier missed the difference that it had planted, so nothing is proven."
    match row.outcome:
        case "different":
            differ = "differs" if row.rows_different == 1 else "differ"
            return f"{link}: {many(row.rows_different, 'row')} {differ} in {many(row.tables_different, 'table')}."
        case "equal":
            return f"{link}: proven equal; the proof is {age(row.proof_age_s)} old."
        case "failed":
            return f"{link}: the comparison failed: {row.detail}."
    why = f": {row.detail}" if row.detail else ""
    return f"{link}: no difference is confirmed, and not everything was compared{why}."


def _worst(row: VerificationRow) -> tuple[bool, int, int, float, str]:
    return row.is_trusted, ORDER[row.outcome], -row.rows_different, -row.proof_age_s, row.link


def _worst_table(row: VerifiedTable) -> tuple[int, float, str]:
    order = {"different": 0, "refused": 1, "undecided": 2, "not compared": 3, "equal": 4}
    return order[row.outcome], row.coverage, row.table


PAGE: Final = Page("/verifications", "Verifications", "verifications.html", view, menu="Verifications")
