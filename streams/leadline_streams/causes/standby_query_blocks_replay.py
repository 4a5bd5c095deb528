"""``standby_query_blocks_replay``: replay waits for a query on the standby that holds a snapshot, a lock or a page."""

from collections.abc import Iterator, Sequence

from leadline.model.activity import Session
from leadline.model.ids import NodeName
from leadline.model.incident import Change, Step
from leadline.words import duration
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.sessions import brief, described
from leadline_streams.engines.postgresql.stages import limit_of_queries
from leadline_streams.engines.postgresql.statements import change_setting, end_session, show_clients, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

DEFAULT = "30s"
"""Of PostgreSQL."""
SETTLED_S = 2.0
"""Shorter waits are normal: replay asks, the query ends."""
HELD = {
    "IPC/RecoveryConflictSnapshot": "a snapshot",
    "IPC/RecoveryConflictTablespace": "a tablespace",
    "BufferPin/BufferPin": "a page",
}


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby whose startup process waits for a query."""
    for affected in of_standbys(context):
        what = "a lock" if affected.wait.startswith("Lock/") else HELD.get(affected.wait)
        if what is None or affected.sample is None:
            continue
        name, still = affected.link.downstream, context.now - affected.link.moved_at
        blockers = affected.sample.activity.blockers if affected.sample.activity is not None else []
        setting = limit_of_queries(affected.sample)
        limit = context.setting(affected.down, setting)
        change, changed = context.blame(affected.down, setting)
        before = context.changed(affected.down, setting)
        who = brief(blockers[0], name) if blockers else "a query"
        lets = "lets it wait indefinitely" if limit == "-1" else "lets it wait that long"
        # Who let replay wait for ever shortly before it did is seen to have done it: nothing explains more.
        certain = 0.98 if limit == "-1" and change else 0.96
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.6 if still < SETTLED_S else certain if blockers else 0.9,
            title=f"replay on {name} is blocked by a query",
            summary=f"{who} holds {what} that replay on {name} waits for; "
            f"{setting} = {context.shown(affected.down, setting)} {lets}{change}",
            steps=_steps(NodeName(name), blockers, setting, _restored(limit, before)),
            evidence_for=[
                fact("startup_wait", affected.wait, name, f"replay has not moved for {duration(still)}"),
                *(fact("blocker", described(session), name, session.query) for session in blockers),
                *(changed or [fact(setting, context.shown(affected.down, setting), name)]),
            ],
        )


def _restored(limit: str | None, change: Change | None) -> str | None:
    """The value that ends the wait: the one of before the limit was lifted, or the server's default; None for none."""
    if limit != "-1":
        return None
    return change.from_ if change is not None and change.to == "-1" and change.from_ else DEFAULT


def _steps(name: NodeName, blockers: Sequence[Session], setting: str, restored: str | None) -> list[Step]:
    """End the query; bound the wait where replay may wait for ever."""
    if blockers:
        steps = [show_session(name, blockers[0].pid), *end_session(name, blockers[0])]
    else:
        steps = [show_clients(name), Step(risk="careful", text="End the oldest query")]
    return [*steps, *(change_setting(name, setting, restored, "safe") if restored is not None else [])]


CAUSE = CauseRule(
    code="standby_query_blocks_replay",
    find=find,
)
