"""``subscriber_schema_drift``: tables differ on the two sides, so that a change cannot be written at all."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import DUPLICATES, AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.drift import Drift, drift_of
from leadline_streams.engines.postgresql.two_phase import cannot_prepare
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact

NAMED = 3
"""Differences that are named; the others are counted."""
NOT_THERE = ("55000", "42P01", "42703", "42704", "42804", "3F000", "22P02", "22003", "22001")
"""SQLSTATEs of a table, column, type or schema that is missing or differs, and of values that do not fit a type."""
GUESSED = 0.4
"""Confidence while neither the tables nor the server log show a difference."""
LOOKS_ALIKE = "a constraint, a trigger or a missing right on the subscriber looks the same"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An apply worker that keeps failing without a row conflict; where agents report tables, their differences."""
    for affected in affected_subscriptions(context, FAILING):
        drift, reason = drift_of(affected), affected.reason
        if _is_excluded(affected, drift, reason):
            continue
        if affected.risen(*DUPLICATES) or not (affected.fails or (drift and _fails_uncounted(affected))):
            continue
        enabled, differs = affected.subscription.enabled, _in_words(drift)
        attempts = f" ({affected.errors} in 5 min)" if affected.errors else ""
        named = reason is not None and reason.code in NOT_THERE
        confidence = min(_confidence(affected, drift, named=named), 1.0 if enabled else 0.7 if drift is None else 0.85)
        if named and reason is not None and not drift:
            differs = f": {reason.message}"
        yield Claim(
            subject=affected.about,
            confidence=confidence,
            title=f"{affected.name} cannot write the changes that it receives",
            summary=f"{affected.name} fails at each attempt{attempts}{differs}{affected.wrong_skip}",
            steps=_steps(affected, drift),
            evidence_for=[
                *_differences(affected, drift),
                *([server_log.as_evidence(reason, affected.node)] if named and reason is not None else []),
                *affected.evidence,
            ],
            evidence_against=_doubts(affected, drift),
            not_seen=_not_seen(affected) if drift is None else [],
        )


def _is_excluded(affected: AffectedSubscription, drift: list[Drift] | None, reason: LogLine | None) -> bool:
    """Whether the tables were compared and are alike, or the server log gives another reason."""
    if drift and drift[0].stops:
        return False
    if cannot_prepare(affected):
        return True
    if reason is not None and affected.is_certain and not reason.code.startswith(server_log.CONNECTION):
        return reason.code not in NOT_THERE
    return drift == [] and not _left_out(affected)


def _left_out(affected: AffectedSubscription) -> bool:
    sides = (affected.node, affected.publisher)
    return any(side is not None and side.tables is not None and side.tables.left_out for side in sides)


def _fails_uncounted(affected: AffectedSubscription) -> bool:
    """Whether the worker fails before PostgreSQL 15, which does not count errors: there is none."""
    own = affected.subscription
    return own.apply_errors is None and own.enabled and own.pid is None


def _counts_conflicts(affected: AffectedSubscription) -> bool:
    return bool(affected.subscription.conflicts)


def _confidence(affected: AffectedSubscription, drift: list[Drift] | None, *, named: bool) -> float:
    """Without conflict counters, before PostgreSQL 18, a duplicate key is likelier than an unseen difference."""
    counted = _counts_conflicts(affected)
    if named:
        return 0.97
    if not drift:
        return GUESSED if counted else 0.3
    if not drift[0].stops:
        return (0.7 if drift[0].keyless else 0.85) if counted else 0.45
    return 0.97 if counted else 0.9


def _in_words(drift: list[Drift] | None) -> str:
    if not drift:
        return (
            " and the error is not a conflict of rows: it may be a table or column that is missing or of another type "
            "on the subscriber, a missing right, or a constraint or trigger there"
        )
    more = f", and {len(drift) - NAMED} differences more" if len(drift) > NAMED else ""
    return ": " + ", ".join(each.words for each in drift[:NAMED]) + more


def _steps(affected: AffectedSubscription, drift: list[Drift] | None) -> list[Step]:
    """Make the tables alike; the worker then continues by itself.

    What it receives for a table that the subscription does not have yet it leaves out, so a refresh copies it.
    """
    enable = [] if affected.subscription.enabled else [affected.alter("safe", "ENABLE")]
    if not drift:
        alike = "If it names a table or column, make the subscriber's table like the publisher's"
        return [*affected.read_error, Step(risk="look", node=affected.node.name, text=alike), *enable]
    named = drift[:NAMED]
    shown = [affected.step("look", _COLUMNS.format(literal(table))) for table in dict.fromkeys(d.table for d in named)]
    missing = any(each.column is None and each.statement is None and not each.keyless for each in named)
    refresh = [affected.alter("careful", "REFRESH PUBLICATION")] if missing else []
    return [*shown, *(_repair(affected, difference) for difference in named), *enable, *refresh]


_COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
    "WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped"
)


def _repair(affected: AffectedSubscription, difference: Drift) -> Step:
    if difference.statement is not None:
        return affected.step("careful", difference.statement)
    node, database = affected.node.name, affected.subscription.database
    if difference.keyless:
        text = f"Give {difference.table} the primary key that it has on the publisher: ALTER TABLE ... ADD PRIMARY KEY"
        return Step(risk="careful", node=node, database=database, text=text)
    dump = f"pg_dump --schema-only --table={difference.table} on the publisher prints the statement"
    return Step(risk="safe", node=node, database=database, text=f"CREATE TABLE {difference.table}: {dump}")


def _differences(affected: AffectedSubscription, drift: list[Drift] | None) -> Iterator[Evidence]:
    for each in (drift or [])[:NAMED]:
        if each.keyless:
            yield fact(each.table, "no key", affected.node.name)
            continue
        about = each.table if each.column is None else f"{each.table}.{each.column}"
        sent = "published" if each.column is None else each.sent or "not sent"
        if affected.publisher is not None:
            yield fact(about, sent, affected.publisher.name)
        yield fact(about, each.here or "not there", affected.node.name)


def _doubts(affected: AffectedSubscription, drift: list[Drift] | None) -> list[Evidence]:
    node, doubts = affected.node, []
    for side in (node, affected.publisher) if drift is not None else ():
        if side is not None and side.tables is not None and side.tables.left_out:
            doubts += [fact("left_out", side.tables.left_out, side.name, "tables that were not compared")]
    if drift == []:
        doubts.append(fact("tables", "alike", node.name, "on both sides, as far as the agents can read them"))
    if drift and not drift[0].stops:
        doubts.append(
            fact("changes", "not seen", node.name, "inserts need no key")
            if drift[0].keyless
            else fact("types", "differ", node.name, "which is no error while what is sent can be read")
        )
    if not _counts_conflicts(affected):
        doubts.append(
            fact("conflicts", "not counted", node.name, "before PostgreSQL 18 a duplicate key looks the same")
        )
    elif not drift or not drift[0].stops:
        doubts.append(fact("conflicts", "none", node.name, LOOKS_ALIKE))
    return doubts


def _not_seen(affected: AffectedSubscription) -> list[Evidence]:
    """The tables are compared where both agents are connected to the replicated databases."""
    shown_by = "agents on both servers that are connected to the replicated databases report the tables"
    return [fact("tables", "not seen", affected.node.name, shown_by)]


CAUSE = CauseRule(
    code="subscriber_schema_drift",
    find=find,
)
