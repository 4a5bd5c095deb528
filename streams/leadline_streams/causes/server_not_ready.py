"""``server_not_ready``: a server answers, and admits nobody: it starts, stops, recovers, or is so configured."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.connect_errors import ADMITS_NOBODY
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers its agent that it accepts no connections."""
    for node in context.nodes:
        if node.down and node.reach == "not_ready" and node.down_since is not None:
            admits_nobody = (node.error or "").startswith(ADMITS_NOBODY)
            yield _by_setting(context, node) if admits_nobody else _not_yet(context, node, node.down_since)


def _not_yet(context: DiagnosisContext, node: NodeState, since: float) -> Claim:
    name, role = node.name, node.node.role if node.node.role != "unknown" else "server"
    return Claim(
        subject=context.about_node(node),
        confidence=0.95,
        title=f"the {role} {name} accepts no connections",
        summary=f"{name} runs and has accepted no connection for {duration(context.now - since)}: "
        f"it starts, stops, or replays WAL. Its answer: {node.error}",
        steps=[
            Step(
                risk="look",
                node=name,
                text="Read the end of the server log: it says what is replayed, and what a standby waits for "
                "before it is consistent",
            ),
            Step(
                risk="look",
                node=name,
                text="On its host, ps shows the WAL file that the startup process replays, or the restore_command that "
                "it waits for. While the file changes, wait: a restart would begin the replay again",
            ),
        ],
        evidence_for=[fact("up", "false", name, node.error)],
    )


def _by_setting(context: DiagnosisContext, node: NodeState) -> Claim:
    """A standby with ``hot_standby = off``: it is as its configuration wants it, and only its upstream shows it."""
    name = node.name
    primaries = [other.name for other in context.nodes if other.writable and other.same_as is None]
    return Claim(
        subject=context.about_node(node),
        confidence=0.95,
        title=f"{name} is a standby that admits nobody",
        summary=f"{name} is in recovery with hot_standby = off: it replays WAL and accepts no connection by its "
        "configuration, so its agent sees nothing of it. Its lag shows at its upstream alone",
        steps=[
            *(show_senders(primary) for primary in primaries),
            Step(
                risk="careful",
                text=f"Set hot_standby = on for {name} and restart it. Where it is meant to admit nobody, take it out "
                "of the settings of its agent",
            ),
        ],
        evidence_for=[fact("up", "false", name, node.error)],
        not_seen=[fact("replay", "not seen", name, "shown once hot_standby is on")],
    )


CAUSE = CauseRule(
    code="server_not_ready",
    find=find,
)
