"""``disk_full``: the volume of the log has no room left."""

from collections.abc import Iterator

from leadline.view.words import size
from leadline_streams.judge.cause import CUT, Case, CauseRule, Claim
from leadline_streams.judge.memory import NodeState
from leadline_streams.judge.rule import fact

SAYS = ("No space left on device", "disk full")
"""The system's word for ENOSPC, and PostgreSQL's for SQLSTATE 53100."""


def find(case: Case) -> Iterator[Claim]:
    """A server that says so itself."""
    for node in case.nodes:
        if node.down and any(said in (node.error or "") for said in SAYS):
            yield _claim(case, node)


def _claim(case: Case, node: NodeState) -> Claim:
    keeps = max(node.sample.slots, key=lambda slot: slot.retained_bytes or 0, default=None) if node.sample else None
    most = f"; slot {keeps.name} keeps {size(keeps.retained_bytes)} of log" if keeps and keeps.retained_bytes else ""
    return Claim(
        subject=case.about_node(node),
        confidence=0.99,
        title=f"the disk of {node.name} is full",
        summary=f"{node.name} has no room left: {node.error}{most}",
        fix=f"Make room on the volume of {node.name}; never remove files from pg_wal by hand. "
        "Drop the slot that keeps the log if its consumer will not come back.",
        evidence_for=[fact("error", node.error, node.name)],
    )


CAUSE = CauseRule(
    code="disk_full",
    help="the server refuses with: no space left on device",
    explains=CUT | {"node_down", "archive_failing"},
    find=find,
)
