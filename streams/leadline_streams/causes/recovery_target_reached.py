"""``recovery_target_reached``: recovery pauses at a target, and resuming it there is a promotion."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.causes.replay_paused_by_operator import paused, recovery_targets
from leadline_streams.engines.postgresql.statements import restart_server, show_replay, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A paused standby with a recovery target, which ends a point-in-time recovery."""
    for affected in paused(context):
        targets = recovery_targets(context, affected)
        if not targets:
            continue
        name = affected.link.downstream
        what = ", ".join(f"{each} = {context.setting(affected.down, each)}" for each in targets)
        change, changed = context.blame(affected.down, *targets)
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.95,
            title=f"recovery on {name} has a target: {what}",
            summary=f"replay on {name} is paused and {what} is set{change}: recovery pauses at its target, and "
            f"resuming it there promotes {name}",
            steps=[
                show_settings(NodeName(name), *targets, "recovery_target_action"),
                show_replay(NodeName(name)),
                Step(
                    risk="look",
                    text=f"Do not resume replay to let {name} follow its upstream again: at the target that ends "
                    "recovery, and a second server takes writes",
                ),
                Step(
                    risk="careful",
                    node=NodeName(name),
                    text=f"If {name} is to go on as a standby, remove {' and '.join(targets)} from the configuration",
                ),
                restart_server(NodeName(name)),
            ],
            evidence_for=[
                fact("replay_paused", "true", name),
                *(fact(each, context.setting(affected.down, each), name) for each in targets),
                fact("recovery_target_action", context.setting(affected.down, "recovery_target_action"), name),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="recovery_target_reached",
    find=find,
)
