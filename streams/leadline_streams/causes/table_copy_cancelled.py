"""``table_copy_cancelled``: the publisher cancels the initial copy of a table, which takes longer than a timeout."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.words import times
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import affected_subscriptions, quoted
from leadline_streams.engines.postgresql.copy_timeouts import Cancelled, cancelled
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_stuck"})
STATEMENT = "statement_timeout"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscription whose copies are cancelled, by the server log or by a timeout of its sender."""
    for affected in affected_subscriptions(context, RULES):
        own, name = affected.subscription, affected.node.name
        why = cancelled(context.cluster, affected.node, own, context.now)
        if why is None:
            continue
        tables = ", ".join(own.unsynced)
        where = why.publisher.name if why.publisher is not None else "the publisher"
        what = _what(why, where)
        yield Claim(
            subject=affected.about,
            confidence=0.97 if why.line is not None else 0.95 if why.recurs else 0.88,
            title=f"{where} cancels the initial copy of {tables}",
            summary=f"the initial copy of {tables} by {affected.name} takes longer than {what}: {where} cancels it, "
            f"and it begins again from the first row (failed {times(own.sync_errors or 1)})",
            steps=_steps(why, where),
            evidence_for=[
                fact("sync_errors", own.sync_errors, name),
                fact("unsynced", tables, name, "each attempt copies from the beginning"),
                *_seen(why),
            ],
            not_seen=[] if why.timeout is not None else [_unseen(where)],
        )


def _what(why: Cancelled, where: str) -> str:
    timeout = why.timeout
    if timeout is None:
        return f"{STATEMENT} on {where}"
    of = {
        "role": f"role {timeout.role}",
        "role in database": f"role {timeout.role} in database {timeout.database}",
        "database": f"database {timeout.database}",
        "all roles": "all roles",
    }[timeout.set_for]
    return f"{timeout.setting} = {timeout.value}, which is set for {of} on {where}"


def _seen(why: Cancelled) -> Iterator[Evidence]:
    timeout = why.timeout
    if timeout is not None and why.publisher is not None:
        yield fact(timeout.setting, timeout.value, why.publisher.name, f"set for {timeout.set_for}")
    if why.line is not None and why.wrote is not None:
        yield server_log.as_evidence(why.line, why.wrote)


def _unseen(where: str) -> Evidence:
    return fact(STATEMENT, "not seen", where, "SHOW statement_timeout in a session of the subscription's role shows it")


def _steps(why: Cancelled, where: str) -> list[Step]:
    """A subscription's role needs no such timeout. The next attempt is a new connection, which has what is set."""
    up = why.publisher.name if why.publisher is not None else None
    shown = (
        "SELECT setrole::regrole AS role, setdatabase, setconfig FROM pg_db_role_setting ORDER BY setrole, setdatabase"
    )
    look = Step(risk="look", node=up, sql=shown) if up is not None else Step(risk="look", text=f"On {where}: {shown}")
    timeout = why.timeout
    if timeout is None or up is None:
        text = (
            f"On {where}, give the role of the subscription a {STATEMENT} of its own: ALTER ROLE <role> SET "
            f"{STATEMENT} = 0. The next attempt connects again and has it"
        )
        return [look, Step(risk="safe", node=up, text=text)]
    role, database = quoted(timeout.role), quoted(timeout.database)
    place = f" IN DATABASE {database}" if timeout.set_for in ("role in database", "database") else ""
    return [look, Step(risk="safe", node=up, sql=f"ALTER ROLE {role}{place} SET {timeout.setting} = 0")]


CAUSE = CauseRule(
    code="table_copy_cancelled",
    find=find,
)
