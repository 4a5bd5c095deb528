"""``timeline_not_followed``: a setting keeps a standby on the timeline that its upstream has left."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.engines.postgresql.wal import has_forked, kept_timeline, left_at
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTING = "recovery_target_timeline"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby whose ``recovery_target_timeline`` names another timeline than that of the server above it.

    One that has WAL from after the upstream left its timeline would not start with another value.
    """
    for affected in cut_off(context):
        up, down = affected.up, affected.down
        assert up is not None
        assert down is not None
        kept = kept_timeline(up, down)
        if kept is not None and not has_forked(affected):
            yield _claim(context, affected, up, down, kept)


def _claim(context: DiagnosisContext, affected: AffectedLink, up: NodeState, down: NodeState, kept: str) -> Claim:
    left = left_at(up, down)
    changed_to, changed = context.blame(down, SETTING)
    ours, theirs = down.node.timeline, up.node.timeline
    seen = [fact("left_at", format_lsn(left), up.name, f"{down.name} has nothing from after it")] if left else []
    return Claim(
        subject=of_link(affected.link),
        confidence=0.97 if seen else 0.9,
        title=f"{down.name} does not follow {up.name} to timeline {theirs}",
        summary=f"{SETTING} = {kept} keeps {down.name} on timeline {ours}, which {up.name} has left: {down.name} "
        f"receives nothing of timeline {theirs}{changed_to}",
        steps=[
            show_settings(down.name, SETTING),
            *([] if seen else [_compare(up, down)]),
            *change_setting(down.name, SETTING, "latest", "careful", restart=True),
        ],
        evidence_for=[
            fact(SETTING, kept, down.name),
            fact("timeline", ours, down.name),
            fact("timeline", theirs, up.name),
            *seen,
            *changed,
        ],
        not_seen=[] if seen else [fact("left_at", "not seen", up.name, f"where it left timeline {ours}")],
    )


def _compare(up: NodeState, down: NodeState) -> Step:
    return Step(
        risk="look",
        node=down.name,
        text=f"Compare pg_last_wal_replay_lsn() with the position at which timeline {down.node.timeline} ends in the "
        f"newest history file in pg_wal of {up.name}: beyond it, {down.name} has WAL that {up.name} never had, and "
        "would not start on the newer timeline",
    )


CAUSE = CauseRule(
    code="timeline_not_followed",
    find=find,
)
