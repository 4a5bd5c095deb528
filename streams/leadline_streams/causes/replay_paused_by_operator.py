"""``replay_paused_by_operator``: ``pg_wal_replay_pause()`` was called, and replay was not resumed."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.statements import show_replay
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.rules.config_mismatch import HOT_STANDBY


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A paused standby whose settings do not explain the pause."""
    for affected in streaming(context):
        positions = affected.sample.positions if affected.sample is not None else None
        if positions is None or not positions.replay_paused:
            continue
        if any(lower_than_primary(context, affected, name) for name in HOT_STANDBY):
            continue
        name = affected.link.downstream
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.97,
            title=f"replay on {name} was paused by a person",
            summary=f"replay on {name} is paused by pg_wal_replay_pause(); nothing is applied until it is resumed",
            steps=[
                show_replay(NodeName(name)),
                Step(risk="safe", node=NodeName(name), sql="SELECT pg_wal_replay_resume()"),
            ],
            evidence_for=[
                fact("replay_paused", "true", name),
                fact("startup_wait", affected.wait or "not reported", name),
                fact(
                    "replayed_lsn",
                    positions.replayed_lsn,
                    name,
                    f"unchanged for {context.now - affected.link.moved_at:.0f} s",
                ),
            ],
        )


def lower_than_primary(context: DiagnosisContext, affected: AffectedLink, name: str) -> bool:
    """Whether a hot-standby setting is lower on the downstream than on the primary it descends from."""
    ours, theirs = context.number(affected.down, name), context.number(context.root(affected), name)
    return ours is not None and theirs is not None and ours < theirs


CAUSE = CauseRule(
    code="replay_paused_by_operator",
    find=find,
)
