"""Published tables whose updates or deletes the server refuses, and why."""

from leadline.model.tables import RefusedTable
from leadline_streams.judge.node_state import NodeState

FULL = "f"
"""The replica identity is the whole row."""


def refused(node: NodeState) -> list[RefusedTable]:
    """The tables of a node, each once, those that applications have changed first."""
    tables = {table.name: table for table in reversed(node.refused)}
    for name in node.without_identity:
        tables.setdefault(name, RefusedTable(name=name, reason="no_identity", changed=True))
    return sorted(tables.values(), key=lambda table: (not table.changed, table.name))


def words_of(table: RefusedTable) -> str:
    """The reason in words."""
    columns = ", ".join(table.columns)
    plural = "s" if len(table.columns) > 1 else ""
    if table.reason == "row_filter":
        return f"the row filter of publication {table.publication} uses column{plural} {columns}, not in the identity"
    if table.reason == "column_list":
        if table.identity == FULL:
            return f"its identity is FULL, and publication {table.publication} has a column list"
        return f"the column list of publication {table.publication} lacks column{plural} {columns} of the identity"
    if table.reason == "generated_column":
        return f"generated column{plural} {columns} of its identity {'are' if plural else 'is'} not published by " + (
            table.publication
        )
    if table.columns:
        return f"its key ({columns}) is deferrable, which is no replica identity"
    return "it has no primary key or other replica identity"
