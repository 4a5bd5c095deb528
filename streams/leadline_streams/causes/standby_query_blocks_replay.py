"""``standby_query_blocks_replay``: replay waits for a query on the standby that holds a snapshot, a lock or a page."""

from collections.abc import Iterator, Sequence

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.observation import Session
from leadline.words import duration
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import change_setting, end_session, show_clients, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

LIMIT = "max_standby_streaming_delay"
SETTLED_S = 2.0
"""Shorter waits are normal: replay asks, the query ends."""
HELD = {
    "IPC/RecoveryConflictSnapshot": "a snapshot",
    "IPC/RecoveryConflictTablespace": "a tablespace",
    "BufferPin/BufferPin": "a page",
}


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby whose startup process waits for a query."""
    for affected in streaming(context):
        what = "a lock" if affected.wait.startswith("Lock/") else HELD.get(affected.wait)
        if what is None or affected.sample is None:
            continue
        name, still = affected.link.downstream, context.now - affected.link.moved_at
        blockers = affected.sample.activity.blockers if affected.sample.activity is not None else []
        limit = context.setting(affected.down, LIMIT)
        change, changed = context.blame(affected.down, LIMIT)
        who = _query(name, blockers[0]) if blockers else "a query"
        lets = "lets it wait for ever" if limit == "-1" else "lets it wait that long"
        # Who let replay wait for ever shortly before it did is seen to have done it: nothing explains more.
        certain = 0.98 if limit == "-1" and change else 0.96
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.6 if still < SETTLED_S else certain if blockers else 0.9,
            title=f"replay on {name} is blocked by a query",
            summary=f"{who} holds {what} that replay on {name} waits for; "
            f"{LIMIT} = {context.shown(affected.down, LIMIT)} {lets}{change}",
            steps=_steps(NodeName(name), blockers, limit),
            evidence_for=[
                fact("startup_wait", affected.wait, name, f"replay has not moved for {duration(still)}"),
                *(fact("blocker", _who(session), name, session.query) for session in blockers),
                *(changed or [fact(LIMIT, context.shown(affected.down, LIMIT), name)]),
            ],
        )


def _query(node: str, session: Session) -> str:
    old = f", {duration(session.age_s)} old," if session.age_s else ""  # one that is just ending has no age
    return f"query pid {session.pid} on {node}{old}"


def _who(session: Session) -> str:
    holds = f", holds {session.holds}" if session.holds else ""
    return f"pid {session.pid}, user {session.user}, {session.state}, {duration(session.age_s)} old{holds}"


def _steps(name: NodeName, blockers: Sequence[Session], limit: str | None) -> list[Step]:
    """End the query; bound the wait where replay may wait for ever."""
    if blockers:
        steps = [show_session(name, blockers[0].pid), *end_session(name, blockers[0])]
    else:
        steps = [show_clients(name), Step(risk="careful", text="End the oldest query")]
    return [*steps, *(change_setting(name, LIMIT, "30s", "safe") if limit == "-1" else [])]


CAUSE = CauseRule(
    code="standby_query_blocks_replay",
    find=find,
)
