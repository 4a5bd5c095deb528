"""``apply_cannot_keep_up``: changes arrive faster than the apply worker applies them."""

from collections.abc import Iterator
from typing import NamedTuple

from leadline.catalogue.entry import LATE
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.tables import SlowTable
from leadline.words import size
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import GUESS, CauseRule, Claim
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

# With REPLICA IDENTITY FULL, workers of PostgreSQL 16, 17 and 18 were seen to read an index of CREATE INDEX
# CONCURRENTLY before it was built; every later use of it fails with "unexpected zero page at block 0".
_PLAIN = (
    "without CONCURRENTLY, because the worker may read such an index before it is built, which then needs a REINDEX"
)
PARALLEL_SINCE = 160000
"""The version since which several workers can apply one large transaction."""
IN_A_FUNCTION = "Timeout/PgSleep"
"""Wait event of a worker that a function keeps waiting."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A late subscription whose worker receives changes and waits for nobody: what takes long, as far as it is seen."""
    for affected in affected_subscriptions(context, LATE):
        own, link = affected.subscription, affected.link
        if not own.enabled or own.pid is None or own.received_lsn is None or affected.fails or link is None:
            continue
        if own.wait is None or own.wait.startswith(("IO/", "LWLock/", IN_A_FUNCTION)):
            yield _claim(affected, link)


def _claim(affected: AffectedSubscription, link: LinkState) -> Claim:
    own, name = affected.subscription, affected.node.name
    why = _why(affected)
    return Claim(
        subject=affected.about,
        confidence=why.confidence,
        title=f"apply on {name} cannot keep up",
        summary=f"the apply worker of {affected.name} is busy and {size(link.lag_units)} of WAL behind; one worker "
        f"applies one change after another, and {why.words}",
        steps=_steps(affected),
        evidence_for=[
            fact("wait", own.wait or "none: it is busy", name),
            fact("transaction_s", own.transaction_s or 0.0, name, "age of the worker's transaction"),
            fact("lag_bytes", link.lag_units, name),
            fact("growth_bytes_per_s", link.growth_units, name),
            *why.evidence,
        ],
    )


class _Why(NamedTuple):
    """The work that takes the worker long."""

    confidence: float
    words: str
    evidence: list[Evidence]


def _why(affected: AffectedSubscription) -> _Why:
    """Tables that are read whole, by the rows that were read between two readings; triggers; else a guess."""
    node, own = affected.node, affected.subscription
    here = node.sample is not None and node.sample.database == own.database
    tables = node.slow_tables if here else ()
    before = {each.name: each.rows_read for each in node.slow_tables_before}
    read = {each.name: each.rows_read - before.get(each.name, each.rows_read) for each in tables if each.scanned}
    fired = [each for each in tables if each.triggers]
    if fired and (own.wait or "").startswith(IN_A_FUNCTION):
        return _Why(0.85, f"{_triggers(fired)}: it waits in a function", [_trigger(each, node) for each in fired])
    scanned = sorted((each for each in tables if each.scanned), key=lambda each: -read[each.name])
    if scanned:
        table = scanned[0]
        grows = read[table.name] > table.rows
        note = f"{read[table.name]} of them since the reading before" if grows else "since the statistics began"
        return _Why(
            0.9 if grows else 0.7,
            f"each update or delete reads {table.name} ({table.rows} rows) whole, because no index fits its replica "
            "identity",
            [fact("rows_read", table.rows_read, node.name, f"by scans of {table.name}, {note}")],
        )
    if fired:
        return _Why(0.65, _triggers(fired), [_trigger(each, node) for each in fired])
    if own.wait is not None and own.wait.startswith(IN_A_FUNCTION):
        return _Why(GUESS, "it waits in a function, which a trigger may call", [])
    return _Why(0.6, "each one scans the table where no index fits its replica identity", [])


def _triggers(tables: list[SlowTable]) -> str:
    listed = ", ".join(f"{', '.join(each.triggers)} on {each.name}" for each in tables[:3])
    return f"each replicated row fires trigger {listed}"


def _trigger(table: SlowTable, node: NodeState) -> Evidence:
    return fact("triggers", ", ".join(table.triggers), node.name, f"on {table.name}, enabled for replicated rows")


def _steps(affected: AffectedSubscription) -> list[Step]:
    parallel = affected.node.node.version_num >= PARALLEL_SINCE
    return [
        affected.step(
            "look",
            "SELECT relid::regclass, seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables "
            "ORDER BY seq_tup_read DESC LIMIT 10",
        ),
        affected.step(
            "look",
            "SELECT tgrelid::regclass, tgname, tgfoid::regproc FROM pg_trigger "
            "WHERE tgenabled IN ('A', 'R') AND NOT tgisinternal",
        ),
        Step(
            risk="careful",
            node=affected.node.name,
            text="Give each table with many rows read by scans the index of the publisher's replica identity, "
            f"{_PLAIN}; make triggers that fire for replicated rows do less",
        ),
        *([affected.alter("careful", "SET (streaming = parallel)")] if parallel else []),
    ]


CAUSE = CauseRule(
    code="apply_cannot_keep_up",
    find=find,
)
