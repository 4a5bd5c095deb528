"""``server_not_ready``: a server answers, and admits nobody: it starts, stops, recovers, or is so configured."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.connect_errors import ADMITS_NOBODY
from leadline_streams.engines.postgresql.sessions import brief
from leadline_streams.engines.postgresql.slots import oldest_writer
from leadline_streams.engines.postgresql.statements import show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers its agent that it accepts no connections."""
    for node in context.nodes:
        if node.down and node.reach == "not_ready" and node.down_since is not None:
            admits_nobody = (node.error or "").startswith(ADMITS_NOBODY)
            yield _by_setting(context, node) if admits_nobody else _not_yet(context, node, node.down_since)


def _not_yet(context: DiagnosisContext, node: NodeState, since: float) -> Claim:
    writers = _old_writers(context, node, since)
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
            *(
                Step(
                    risk="look",
                    text=f"If it waits for a snapshot, it is for {what}: it has more than 64 subtransactions",
                )
                for what in writers
            ),
        ],
        evidence_for=[fact("up", "false", name, node.error)],
    )


def _old_writers(context: DiagnosisContext, node: NodeState, since: float) -> list[str]:
    """The oldest transaction on each primary that wrote before a server stopped admitting, in words.

    A standby whose copy began while a transaction had more than 64 subtransactions (PGPROC_MAX_CACHED_SUBXIDS) admits
    nobody before that transaction has ended.
    """
    found = []
    for up in context.nodes:
        activity = up.sample.activity if up.sample is not None else None
        other = node.node.system_id not in (None, up.node.system_id)
        oldest = oldest_writer(activity) if activity is not None and up.writable and not other else None
        if oldest is not None and up.seen - oldest.age_s <= since:
            found.append(f"the oldest transaction that writes on {up.name}, {brief(oldest, up.name)}")
    return found


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
