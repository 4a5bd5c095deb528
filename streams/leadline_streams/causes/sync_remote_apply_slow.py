"""``sync_remote_apply_slow``: commits wait until a standby has replayed them, and its replay is late."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.stages import Stages
from leadline_streams.engines.postgresql.statements import change_setting, show_replay
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTING = "synchronous_commit"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A synchronous standby that has flushed and not replayed, under remote_apply."""
    for affected in streaming(context):
        stages = Stages.of(affected)
        if (
            stages is None
            or affected.row is None
            or affected.row.sync_state not in ("sync", "quorum")
            or not stages.replay
        ):
            continue
        activity = affected.up.sample.activity if affected.up is not None and affected.up.sample is not None else None
        if context.setting(affected.up, SETTING) != "remote_apply" or activity is None or not activity.sync_waiters:
            continue
        up, down = affected.link.upstream, affected.link.downstream
        change, changed = context.blame(affected.up, SETTING)
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.9,
            title=f"commits on {up} wait for replay on {down}",
            summary=f"commits on {up} wait until {down} has replayed them: {activity.sync_waiters} now, the oldest "
            f"for {duration(activity.sync_wait_s)}; {SETTING} = remote_apply{change}",
            steps=[
                show_replay(down),
                Step(
                    risk="look",
                    text=f"Remove what delays replay on {down}; if that takes too long, wait for less on {up}",
                ),
                *change_setting(up, SETTING, "on", "careful"),
            ],
            evidence_for=[
                fact("sync_waiters", activity.sync_waiters, up, f"for {duration(activity.sync_wait_s)}"),
                fact("flushed_not_replayed_bytes", stages.replay, down),
                *(changed or [fact(SETTING, "remote_apply", up)]),
            ],
        )


CAUSE = CauseRule(
    code="sync_remote_apply_slow",
    find=find,
)
