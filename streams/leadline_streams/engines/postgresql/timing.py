"""Times that a server's own settings decide. Where the settings were not read, the server's defaults count."""

from typing import Final

from leadline_streams.judge.node_state import NodeState

RESTART_S: Final = 3.0
"""Gone for less than this may be a restart."""
DEFAULTS_MS: Final = {
    "wal_retrieve_retry_interval": 5_000.0,
    "wal_receiver_timeout": 60_000.0,
    "wal_sender_timeout": 60_000.0,
    "max_standby_streaming_delay": 30_000.0,
    "max_standby_archive_delay": 30_000.0,
}
"""Defaults of settings in milliseconds (PostgreSQL documentation, section 19.6)."""


def milliseconds(node: NodeState | None, name: str) -> float:
    """A setting of a server that is a time in milliseconds, in seconds. 0 and -1, which mean "never", give the default.

    The default then stands for a time after which people want to know.
    """
    setting = node.settings.get(name) if node is not None else None
    try:
        value = float(setting.value) if setting is not None else 0.0
    except ValueError:
        value = 0.0
    return (value if value > 0.0 else DEFAULTS_MS[name]) / 1000


def longer_s(node: NodeState | None, name: str) -> float:
    """By how much a setting exceeds its default, for limits that the default is a part of; 0 where it does not."""
    return max(0.0, milliseconds(node, name) - DEFAULTS_MS[name] / 1000)
