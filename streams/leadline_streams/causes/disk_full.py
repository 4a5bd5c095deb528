"""``disk_full``: the volume of the log has no room left."""

from collections.abc import Iterator

from leadline.words import size
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

CODE = "disk_full"
SAYS = ("No space left on device", "disk full")
"""The system's word for ENOSPC, and PostgreSQL's for SQLSTATE 53100."""
SEGMENT_BYTES = 16 * 2**20
"""Of the default size. A server that cannot make its next segment ends, and gives back what it wrote of it."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that says so itself, or that is down while its volume, at which its agent looks, has no room.

    Once there is room again, it is still down because there was none.
    """
    for node in context.nodes:
        free = node.disk.free_bytes if node.disk is not None else None
        segment = context.number(node, "wal_segment_size") or SEGMENT_BYTES
        says = any(said in (node.error or "") for said in SAYS)
        named = (CODE, context.about_node(node).id) in context.named
        if node.down and (says or named or (free is not None and free < segment)):
            yield _claim(context, node, free)


def _claim(context: DiagnosisContext, node: NodeState, free: int | None) -> Claim:
    keeps = max(node.sample.slots, key=lambda slot: slot.retained_bytes or 0, default=None) if node.sample else None
    most = f"; slot {keeps.name} keeps {size(keeps.retained_bytes)} of log" if keeps and keeps.retained_bytes else ""
    left = f", {size(free)} are left on the volume of its log" if free is not None else ""
    return Claim(
        subject=context.about_node(node),
        confidence=0.99,
        title=f"the disk of {node.name} is full",
        summary=f"{node.name} ran out of room: {node.error or 'no reason known'}{left}{most}",
        fix=f"Make room on the volume of {node.name} and start it; never remove files from pg_wal by hand. "
        "Drop the slot that keeps the log if its consumer will not come back.",
        evidence_for=[
            fact("error", node.error, node.name),
            *([fact("free_bytes", free, node.name)] if free is not None else []),
        ],
    )


CAUSE = CauseRule(
    code=CODE,
    find=find,
)
