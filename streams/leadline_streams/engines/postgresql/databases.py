"""Databases about which their server shows that something is wrong: damaged pages, text sorted otherwise, no writes."""

from leadline.model.tables import DatabaseState
from leadline_streams.judge.node_state import NodeState

READ_ONLY = "default_transaction_read_only"
DAMAGED_S = 3600.0
"""A page that is damaged is found each time that it is read; the server counts that and not the repair."""


def damaged(node: NodeState, now: float) -> list[DatabaseState]:
    """Databases of which a page with a wrong checksum was read lately, that with the most first."""
    found = [each for each in node.databases if (failed_s(node, each, now) or 0.0) < DAMAGED_S]
    return sorted((each for each in found if each.checksum_failures), key=lambda each: -each.checksum_failures)


def failed_s(node: NodeState, database: DatabaseState, now: float) -> float | None:
    """Seconds since a page with a wrong checksum was last read; None when the server does not show it."""
    age_s = database.checksum_failed_s
    return None if age_s is None else age_s + max(0.0, now - node.databases_at)


def sorted_otherwise(node: NodeState) -> list[DatabaseState]:
    """Databases whose text another version of the library sorted."""
    return [each for each in node.databases if each.collation_actual]


def read_only(node: NodeState) -> list[str]:
    """The parts of a server that takes writes which refuse them unless a transaction asks for them, in words."""
    if not node.takes_writes:
        return []
    own = node.settings.get(READ_ONLY)
    if own is not None and own.value == "on":
        return [f"every database of {node.name}"]
    return [f"database {each.name} of {node.name}" for each in node.databases if each.read_only]


def named(database: DatabaseState) -> str:
    """A database for people."""
    return f"database {database.name}" if database.name else "the tables that all databases share"
