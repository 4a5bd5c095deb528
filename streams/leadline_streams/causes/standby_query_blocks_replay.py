"""``standby_query_blocks_replay``: replay waits for a query on the standby that holds a snapshot, a lock or a page."""

from collections.abc import Iterator, Sequence

from leadline.model.observation import Session
from leadline.words import duration
from leadline_streams.engines.postgresql.links import streaming
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
    """A standby whose startup process waits for somebody's query."""
    for it in streaming(context):
        what = "a lock" if it.wait.startswith("Lock/") else HELD.get(it.wait)
        if what is None or it.sample is None:
            continue
        name, still = it.link.downstream, context.now - it.link.moved_at
        blockers = it.sample.activity.blockers if it.sample.activity is not None else []
        limit = context.setting(it.down, LIMIT)
        change, changed = context.blame(it.down, LIMIT)
        who = _query(name, blockers[0]) if blockers else "a query"
        lets = "lets it wait for ever" if limit == "-1" else "lets it wait that long"
        # Who let replay wait for ever shortly before it did is seen to have done it: nothing explains more.
        certain = 0.98 if limit == "-1" and change else 0.96
        yield Claim(
            subject=of_link(it.link),
            confidence=0.6 if still < SETTLED_S else certain if blockers else 0.9,
            title=f"replay on {name} is blocked by a query",
            summary=f"{who} holds {what} that replay on {name} waits for; "
            f"{LIMIT} = {context.shown(it.down, LIMIT)} {lets}{change}",
            fix=_fix(name, blockers, limit),
            evidence_for=[
                fact("startup_wait", it.wait, name, f"replay has not moved for {duration(still)}"),
                *(fact("blocker", _who(session), name, session.query) for session in blockers),
                *(changed or [fact(LIMIT, context.shown(it.down, LIMIT), name)]),
            ],
        )


def _query(node: str, session: Session) -> str:
    old = f", {duration(session.age_s)} old," if session.age_s else ""  # one that is just ending has no age
    return f"query pid {session.pid} on {node}{old}"


def _who(session: Session) -> str:
    holds = f", holds {session.holds}" if session.holds else ""
    return f"pid {session.pid}, user {session.user}, {session.state}, {duration(session.age_s)} old{holds}"


def _fix(name: str, blockers: Sequence[Session], limit: str | None) -> str:
    end = f"SELECT pg_terminate_backend({blockers[0].pid});" if blockers else "end the oldest query;"
    bound = f" ALTER SYSTEM SET {LIMIT} = '30s'; SELECT pg_reload_conf();" if limit == "-1" else ""
    return f"On {name}: {end}{bound}"


CAUSE = CauseRule(
    code="standby_query_blocks_replay",
    find=find,
)
