"""``disk_full``: the volume of the WAL has no room left."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.words import size
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

CODE = "disk_full"
MESSAGES = ("No space left on device", "disk full")
"""The system's message for ENOSPC, and PostgreSQL's for SQLSTATE 53100."""
SEGMENT_BYTES = 16 * 2**20
"""Of the default size. A server that cannot make its next segment ends, and gives back what it wrote of it."""


NO_SPACE = "53100"
"""SQLSTATE of a write that failed because the disk is full."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that reports it, or that is down while its volume, which its agent reads, has no room.

    While it is still down, the cause stays, also when there is room again. A standby answers on a full disk: its WAL
    receiver ends at each attempt to write.
    """
    for node in context.nodes:
        free = node.disk.free_bytes if node.disk is not None else None
        segment = context.number(node, "wal_segment_size") or SEGMENT_BYTES
        reported = any(message in (node.error or "") for message in MESSAGES)
        named = (CODE, context.about_node(node).id) in context.named
        if node.down and (reported or named or (free is not None and free < segment)):
            yield _claim(context, node, free)
        elif node.answers and node.node.role == "standby":
            line = next(server_log.errors(node, context.now, _fills), None)
            if line is not None or (free is not None and free < segment and _is_cut_off(context, node)):
                yield _receiver(context, node, line, free)


def is_full(node: NodeState, now: float) -> bool:
    """Whether the server log of a node shows that it cannot write its WAL."""
    return next(server_log.errors(node, now, _fills), None) is not None


def _fills(line: LogLine) -> bool:
    return line.code == NO_SPACE and (line.process == "walreceiver" or "pg_wal" in line.message)


def _is_cut_off(context: DiagnosisContext, node: NodeState) -> bool:
    links = context.cluster.links.values()
    return any(link.downstream == node.name and is_streaming(link) and not link.connected for link in links)


def _receiver(context: DiagnosisContext, node: NodeState, line: LogLine | None, free: int | None) -> Claim:
    message = f": {line.message}" if line is not None and line.message else ""
    left = f", {size(free)} are left on the volume of its WAL" if free is not None else ""
    return Claim(
        subject=context.about_node(node),
        confidence=0.99 if line is not None else 0.9,
        title=f"the disk of {node.name} is full",
        summary=f"the WAL receiver of {node.name} ends because there is no room for what it receives{message}{left}",
        steps=[
            Step(
                risk="look",
                text=f"Find out what fills the volume of {node.name}: server logs, temporary files, WAL that a slot or "
                "wal_keep_size of its own retains",
            ),
            Step(
                risk="careful",
                text=f"Free or add space on that volume: the receiver connects again by itself. Never remove files "
                f"from pg_wal of {node.name} by hand",
            ),
        ],
        evidence_for=[
            *([server_log.as_evidence(line, node)] if line is not None else []),
            *([fact("free_bytes", free, node.name)] if free is not None else []),
        ],
    )


def _claim(context: DiagnosisContext, node: NodeState, free: int | None) -> Claim:
    keeps = max(node.sample.slots, key=lambda slot: slot.retained_bytes or 0, default=None) if node.sample else None
    most = f"; slot {keeps.name} retains {size(keeps.retained_bytes)} of WAL" if keeps and keeps.retained_bytes else ""
    left = f", {size(free)} are left on the volume of its WAL" if free is not None else ""
    return Claim(
        subject=context.about_node(node),
        confidence=0.99,
        title=f"the disk of {node.name} is full",
        summary=f"{node.name} ran out of room: {node.error or 'no reason known'}{left}{most}",
        steps=[
            Step(
                risk="look",
                text=f"Find out what fills the volume of {node.name}, for example server logs or other files",
            ),
            Step(
                risk="look",
                text="If a slot retains the WAL, find out whether its consumer comes back, or the slot can be dropped",
            ),
            Step(
                risk="careful",
                text=f"Free or add space on that volume and start {node.name}. Never remove files from pg_wal by hand",
            ),
        ],
        evidence_for=[
            fact("error", node.error, node.name),
            *([fact("free_bytes", free, node.name)] if free is not None else []),
        ],
    )


CAUSE = CauseRule(
    code=CODE,
    find=find,
)
