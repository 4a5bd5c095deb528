"""``apply_delay_configured``: the standby is configured to stay behind, by ``recovery_min_apply_delay``."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTING = "recovery_min_apply_delay"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected standby with a delay, in which replay waits."""
    for affected in of_standbys(context):
        positions = affected.sample.positions if affected.sample is not None else None
        if positions is None or positions.apply_delay_s <= 0 or positions.replay_paused or not affected.link.connected:
            continue
        waits = affected.wait == "Timeout/RecoveryApplyDelay"
        if not waits and affected.link.verdict != "delayed_by_design":
            continue
        name = affected.link.downstream
        change, changed = context.blame(affected.down, SETTING)
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.95,
            title=f"{name} is delayed by {SETTING}",
            summary=f"replay on {name} waits on purpose: {SETTING} = {duration(positions.apply_delay_s)}{change}",
            steps=[
                show_settings(NodeName(name), SETTING),
                Step(
                    risk="look",
                    text="If the delay is intended, declare it: raise the limit of apply_delay_undeclared for this "
                    "standby in the overrides. If not, reset it",
                ),
                *change_setting(NodeName(name), SETTING, None, "safe"),
            ],
            evidence_for=[
                fact(SETTING, duration(positions.apply_delay_s), name),
                fact("startup_wait", affected.wait or "busy", name),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="apply_delay_configured",
    find=find,
)
