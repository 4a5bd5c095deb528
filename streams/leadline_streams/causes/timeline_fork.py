"""``timeline_fork``: a standby has WAL that its upstream's history never had."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.wal import has_forked
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTLED_S = 3.0
"""A standby switches to its upstream's new timeline within a retry or two."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that stays on an older timeline than its upstream and cannot stream."""
    for affected in cut_off(context):
        assert affected.up is not None
        assert affected.down is not None
        ours, theirs = affected.down.node.timeline, affected.up.node.timeline
        if (
            ours is None
            or theirs is None
            or ours >= theirs
            or affected.down.node.system_id != affected.up.node.system_id
        ):
            continue
        sure = has_forked(affected)
        if not sure and context.now - (affected.link.cut_since or context.now) < SETTLED_S:
            continue
        link = affected.link
        yield Claim(
            subject=of_link(link),
            confidence=0.94 if sure else 0.8,
            title=f"{link.downstream} and {link.upstream} have different histories",
            summary=f"{link.downstream} is on timeline {ours} and {link.upstream} on {theirs}: {link.downstream} "
            "has WAL from before the fork that the new timeline does not have, and cannot follow it",
            steps=[
                Step(risk="look", node=link.downstream, sql="SELECT timeline_id FROM pg_control_checkpoint()"),
                Step(
                    risk="destructive",
                    text=f"Save what only {link.downstream} has, stop it, and run pg_rewind --target-pgdata=... "
                    f"--source-server='host={affected.up.node.host} port={affected.up.node.port}', or rebuild it",
                ),
            ],
            evidence_for=[
                fact("timeline", ours, link.downstream),
                fact("timeline", theirs, link.upstream),
                *([fact("received_lsn", "below replayed_lsn", link.downstream)] if sure else []),
            ],
        )


CAUSE = CauseRule(
    code="timeline_fork",
    find=find,
)
