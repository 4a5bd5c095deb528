"""``apply_delay_configured``: the standby is told to stay behind, by ``recovery_min_apply_delay``."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

SETTING = "recovery_min_apply_delay"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A connected standby with a delay, in which replay waits."""
    for it in streaming(context):
        positions = it.sample.positions if it.sample is not None else None
        if positions is None or positions.apply_delay_s <= 0 or positions.replay_paused or not it.link.connected:
            continue
        waits = it.wait == "Timeout/RecoveryApplyDelay"
        if not waits and it.link.verdict != "delayed_by_design":
            continue
        name = it.link.downstream
        change, changed = context.blame(it.down, SETTING)
        yield Claim(
            subject=of_link(it.link),
            confidence=0.95,
            title=f"{name} is delayed by {SETTING}",
            summary=f"replay on {name} waits on purpose: {SETTING} = {positions.apply_delay_s:g} s{change}",
            fix=f"If nobody meant it, on {name}: ALTER SYSTEM RESET {SETTING}; SELECT pg_reload_conf(); "
            "If it is meant, declare it: allow this link its lag in the rules' overrides.",
            evidence_for=[
                fact(SETTING, f"{positions.apply_delay_s:g} s", name),
                fact("startup_wait", it.wait or "busy", name),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="apply_delay_configured",
    find=find,
)
