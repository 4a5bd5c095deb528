"""``replay_paused_by_parameter``: the server paused replay because a setting is lower than on the primary."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.causes.replay_paused_by_operator import lower_than_primary, paused
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY
from leadline_streams.engines.postgresql.statements import restart_server, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A paused standby with a hot-standby setting that is lower than the primary's."""
    for affected in paused(context):
        lower = [setting for setting in HOT_STANDBY if lower_than_primary(context, affected, setting)]
        if not lower:
            continue
        root, name, first = context.root(affected), affected.link.downstream, lower[0]
        assert root is not None
        ours, theirs = context.setting(affected.down, first), context.setting(root, first)
        change, changed = context.blame(root, *lower)
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.98,
            title=f"{first} on {name} is lower than on {root.name}",
            summary=f"replay on {name} is paused by the server: {first} is {ours} there and {theirs} on {root.name}"
            f"{change}; resuming replay would shut {name} down",
            steps=[
                show_settings(NodeName(name), *lower),
                Step(risk="look", text="Do not resume replay before the restart: that shuts the server down"),
                *(
                    Step(
                        risk="careful",
                        node=NodeName(name),
                        sql=f"ALTER SYSTEM SET {setting} = {context.setting(root, setting)}",
                    )
                    for setting in lower
                ),
                restart_server(NodeName(name)),
            ],
            evidence_for=[
                fact("replay_paused", "true", name),
                *(
                    fact(setting, context.setting(node, setting), node.name)
                    for setting in lower
                    for node in (affected.down, root)
                    if node is not None
                ),
                *changed,
            ],
        )


CAUSE = CauseRule(
    code="replay_paused_by_parameter",
    find=find,
)
