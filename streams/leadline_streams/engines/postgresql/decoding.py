"""Servers whose ``wal_level`` allows no logical slot."""

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.mismatches import LEVELS, WAL_LEVEL
from leadline_streams.engines.postgresql.statements import change_setting
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.node_state import NodeState

ENOUGH = LEVELS[-1]


def cannot_decode(context: DiagnosisContext, node: NodeState) -> str:
    """That a server has a lower level, as the end of a summary; empty where it has not, or that was not read."""
    level = context.setting(node, WAL_LEVEL)
    if level is None or level == ENOUGH:
        return ""
    return f". {node.name} has {WAL_LEVEL} = {level}: before a restart with {ENOUGH} it can have no logical slot"


def decode(context: DiagnosisContext, node: NodeState) -> list[Step]:
    """The steps that let a server have logical slots; none where it may, or where that was not read."""
    return change_setting(node.name, WAL_LEVEL, ENOUGH, "careful", restart=True) if cannot_decode(context, node) else []
