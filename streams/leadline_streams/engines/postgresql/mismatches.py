"""Settings that must not be lower on a standby than on its primary."""

from contextlib import suppress

from leadline_streams.judge.node_state import NodeState

HOT_STANDBY = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
"""If one is lower than on the primary, the server pauses replay, and does not start again."""
WAL_LEVEL = "wal_level"
"""If it is lower than on the primary, subscribers lose their slots when this standby is promoted."""
LEVELS = ("minimal", "replica", "logical")


def too_low(primary: NodeState, standby: NodeState) -> list[tuple[str, str, str]]:
    """Settings that are too low, with the value on each side."""
    found = []
    for name in (*HOT_STANDBY, WAL_LEVEL):
        theirs, ours = primary.settings.get(name), standby.settings.get(name)
        if theirs is not None and ours is not None and theirs.value != ours.value:
            rank = LEVELS.index if name == WAL_LEVEL else int
            with suppress(ValueError):  # a value that no server reports
                if rank(ours.value) < rank(theirs.value):
                    found.append((name, theirs.value, ours.value))
    return found
