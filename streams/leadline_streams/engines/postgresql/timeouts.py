"""The time for which an end of a connection may be silent, by the settings of the servers."""

from math import inf

from leadline_streams.judge.node_state import NodeState

SENDER_TIMEOUT_S = 60.0
"""Default of ``wal_sender_timeout``."""
SLACK_S = 5.0
STATUS_INTERVAL_S = 10.0
"""Default of ``wal_receiver_status_interval``."""
STATUS_SLACK_S = 2.0


def sender_timeout_s(up: NodeState | None) -> float:
    """The upstream's ``wal_sender_timeout``: the server ends a sender whose downstream is silent for so long."""
    timeout_s = _seconds(up, "wal_sender_timeout", 1000.0)
    return SENDER_TIMEOUT_S if timeout_s is None else timeout_s or inf


def keepalive_s(up: NodeState | None) -> float:
    """Longest time between two messages of an idle sender: it asks for a reply after half of its timeout."""
    return sender_timeout_s(up) / 2 + SLACK_S


def replies_on_its_own(down: NodeState | None) -> bool:
    """Whether a standby reports what it has without being asked: ``wal_receiver_status_interval`` is not 0."""
    return _seconds(down, "wal_receiver_status_interval", 1.0) != 0.0


def status_s(up: NodeState | None, down: NodeState | None) -> float:
    """Longest time between two replies of a standby that has nothing to confirm: ``wal_receiver_status_interval``."""
    interval_s = _seconds(down, "wal_receiver_status_interval", 1.0)
    if interval_s == 0.0:
        return keepalive_s(up)
    return (STATUS_INTERVAL_S if interval_s is None else interval_s) + STATUS_SLACK_S


def _seconds(node: NodeState | None, setting: str, units: float) -> float | None:
    found = node.settings.get(setting) if node is not None else None
    try:
        return float(found.value) / units if found is not None else None
    except ValueError:
        return None
