"""``settings_differ``: a setting of a standby is lower than its primary's, and nobody saw it change."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY, too_low
from leadline_streams.engines.postgresql.statements import restart_server, show_settings
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

PAUSES = "if the primary uses more than the standby allows, replay pauses and the standby does not start again"
LOSES = "subscribers could not follow this standby after a promotion"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A link with the alert, whose settings did not change shortly before; ``config_changed`` names those that did."""
    for affected in of_standbys(context):
        primary, standby = context.root(affected), affected.down
        if "config_mismatch" not in affected.rules or primary is None or standby is None:
            continue
        if affected.sample is not None and affected.sample.positions and affected.sample.positions.replay_paused:
            continue
        found = too_low(primary, standby)
        names = [name for name, _, _ in found]
        if found and not any(context.changed(node, *names) for node in (primary, standby)):
            yield _claim(affected, primary, standby, found)


def _claim(affected: AffectedLink, primary: NodeState, standby: NodeState, found: list[tuple[str, str, str]]) -> Claim:
    name = standby.name
    listed = ", ".join(f"{each} is {ours} on {name} and {theirs} on {primary.name}" for each, theirs, ours in found)
    harm = PAUSES if any(each in HOT_STANDBY for each, _, _ in found) else LOSES
    return Claim(
        subject=of_link(affected.link),
        confidence=0.9,
        title=f"settings of {name} are lower than those of {primary.name}",
        summary=f"{listed}: {harm}",
        steps=[
            show_settings(name, *(each for each, _, _ in found)),
            show_settings(primary.name, *(each for each, _, _ in found)),
            *(Step(risk="careful", node=name, sql=f"ALTER SYSTEM SET {each} = {theirs}") for each, theirs, _ in found),
            restart_server(name),
        ],
        evidence_for=[
            fact(each, value, node)
            for each, theirs, ours in found
            for node, value in ((name, ours), (primary.name, theirs))
        ],
        not_seen=[fact("change", "not seen", name, "the time of a change is known to those who look before it")],
    )


CAUSE = CauseRule(
    code="settings_differ",
    find=find,
)
