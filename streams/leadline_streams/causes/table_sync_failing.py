"""``table_sync_failing``: the initial copy of a table fails repeatedly."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.words import times
from leadline_streams.causes.apply_workers_exhausted import SPARE, limit_of_origins
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.copy_timeouts import cancelled
from leadline_streams.engines.postgresql.statements import change_setting, show_senders, show_settings, show_slots
from leadline_streams.engines.postgresql.subscriptions import copies_fail
from leadline_streams.engines.postgresql.write_rights import STOPS, explains, in_words, repair, unwritable
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_stuck"})
SLOTS = "max_replication_slots"
SENDERS = "max_wal_senders"
NO_LIMIT_LEFT = "53400"
"""configuration_limit_exceeded."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription whose copies fail for no reason that is seen; the other tables are still streamed."""
    for affected in affected_subscriptions(context, RULES):
        own, name = affected.subscription, affected.node.name
        window = affected.node.windows.get(f"sync_error:{own.name}")
        if window is None or not copies_fail(affected.node, own, context.now):
            continue
        if own.tables and not own.unsynced:  # it is repaired
            continue
        if cancelled(context.cluster, affected.node, own, context.now) is not None:
            continue
        tables = ", ".join(own.unsynced) or "a table"
        reason = server_log.newest(affected.node, context.now, server_log.of_copy)
        reached = _reached(context, affected, reason) or _denied(affected, reason)
        why = f": {reached.words}" if reached else f": {reason.message}" if reason is not None else ""
        yield Claim(
            subject=affected.about,
            confidence=0.96 if own.unsynced else 0.9,
            title=f"the initial copy of {tables} to {name} fails",
            summary=f"{affected.name} cannot copy {tables}: it failed {times(window.count(context.now))} in 5 min"
            f"{why}; the other tables are replicated, this one has no data that can be relied on",
            steps=reached.steps if reached else _steps(affected),
            evidence_for=[
                fact("sync_errors", own.sync_errors, name),
                fact("tables", _states(own.tables), name, "i, d, f, s: not ready; r: ready"),
                *([server_log.as_evidence(reason, affected.node)] if reason is not None else []),
            ],
            not_seen=[
                *([] if own.tables else [fact("tables", "not seen", name, _agent(affected))]),
                *([] if reached else server_log.not_seen(affected.node)),
            ],
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that leaves nothing for a copy, which needs a slot, a sender and an origin; or a right that it lacks."""

    words: str
    steps: list[Step]


def _reached(context: DiagnosisContext, affected: AffectedSubscription, reason: LogLine | None) -> Reached | None:
    """The limit; None where none is reached, or the server log shows that copies fail for another reason."""
    up, sample = affected.publisher, affected.publisher.sample if affected.publisher is not None else None
    if reason is None or reason.code == NO_LIMIT_LEFT:
        origins = _origins(context, affected)
        if origins is not None:
            return origins
    if up is None or sample is None or (reason is not None and not reason.code.startswith(server_log.CONNECTION)):
        return None
    for setting, what, used, look in (
        (SLOTS, "slots", len(sample.slots), show_slots(up.name)),
        (SENDERS, "senders", len(sample.downstreams), show_senders(up.name)),
    ):
        most = context.number(up, setting)
        if most is not None and used >= most:
            raised = (
                f"Raise {setting}, with room for max_sync_workers_per_subscription copies of each subscription; that "
                "needs a restart. The copies then go on by themselves"
            )
            steps = [look, show_settings(up.name, setting), Step(risk="careful", node=up.name, text=raised)]
            return Reached(f"all {what} of {up.name} are in use ({setting} = {most}), and a copy needs one more", steps)
    return None


def _origins(context: DiagnosisContext, affected: AffectedSubscription) -> Reached | None:
    """The limit of replication origins on the subscriber: each subscription and each copy that runs has one."""
    node, setting = affected.node, limit_of_origins(context, affected.node)
    used = sum(each.pid is not None for each in node.sample.subscriptions) if node.sample is not None else 0
    most = context.number(node, setting)
    if most is None or used < most:
        return None
    raised = change_setting(node.name, setting, str(most + SPARE), "careful", restart=True)
    words = f"all replication origins of {node.name} are in use ({setting} = {most}), and a copy needs one more"
    return Reached(words, [show_settings(node.name, setting), *raised])


def _denied(affected: AffectedSubscription, reason: LogLine | None) -> Reached | None:
    """The right that the worker lacks to write a table; None where it lacks none, or another reason is logged."""
    table = unwritable(affected)
    if table is None or STOPS.isdisjoint(table.denied) or (reason is not None and not explains(table, reason)):
        return None
    return Reached(in_words(table), [affected.show, affected.step("careful", repair(table))])


def _steps(affected: AffectedSubscription) -> list[Step]:
    """Look for what is missing, and for rows of its own that are in the way."""
    node, database = affected.node.name, affected.subscription.database
    read = "Read the last ERROR of the tablesync worker in the server log"
    fix = (
        "If a table or a column is missing, create it; if the role of the subscription may not read the table on the "
        "publisher, GRANT SELECT ON it there. The copy starts again by itself. If rows of its own are in the "
        "way, find out who wrote them: they may be on no other server"
    )
    columns = "n_live_tup, n_tup_ins, n_tup_upd, n_tup_del"
    return [
        Step(risk="look", node=node, text=read),
        *(
            affected.step(
                "look", f"SELECT {columns} FROM pg_stat_user_tables WHERE relid = to_regclass({literal(table)})"
            )
            for table in affected.subscription.unsynced[:1]
        ),
        Step(risk="look", node=node, database=database, text=fix),
    ]


def _agent(affected: AffectedSubscription) -> str:
    return f"an agent that is connected to database {affected.subscription.database} shows which tables are not ready"


def _states(tables: dict[str, int]) -> str:
    return ", ".join(f"{count} in {state}" for state, count in sorted(tables.items())) or "not seen from this database"


CAUSE = CauseRule(
    code="table_sync_failing",
    find=find,
)
