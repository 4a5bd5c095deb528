"""Another server that answers at the address of a node, as a virtual IP address or a proxy does that moves.

A process that had been running before another one answered last is no restart of that one: the two ran at the same
time. What was known of the one says nothing about the other: neither its settings nor its positions changed.
"""

from leadline.clock import moment
from leadline.model.change_record import ChangeRecord
from leadline.model.incident import Change
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.server_settings import NONE
from leadline_streams.judge.setting_changes import recorded, remember
from leadline_streams.judge.state import Memory

STEP_S = 2.0
"""The clock of a host is set back by less, as a rule."""


def is_another(before: Sample, sample: Sample) -> bool:
    """Whether a sample is of another server than the one before it, which had the same name."""
    was, started_at = before.node.started_at, sample.node.started_at
    if was is None or started_at is None or was == started_at:
        return False
    return (before.at - started_at).total_seconds() > STEP_S


def begin_again(memory: Memory, node: NodeState, sample: Sample, now: float) -> list[ChangeRecord]:
    """Forget what was known of the server that answered before; its alerts end by what the new one shows."""
    was = _started(node.node)
    node.moved_at = now
    node.settings, node.settings_at, node.changed_at = NONE, 0.0, {}
    node.clock = PositionClock()
    node.went_back = node.promoted_at = node.writable_since = node.upstream = None
    node.held, node.snapshots, node.copies, node.windows = {}, {}, {}, {}
    node.idle_subscriptions, node.interrupted, node.unsettled, node.freed = {}, {}, {}, {}
    node.publishes, node.subscribes, node.refused, node.without_identity = {}, {}, (), ()
    node.is_healthy = False
    change = Change(node=node.name, setting="server", from_=was, to=_started(sample.node), at=moment(now))
    remember(memory, [change], now)
    return [recorded(memory, node, change)]


def _started(node: Node) -> str:
    return f"the one that started at {node.started_at:%Y-%m-%d %H:%M:%S} UTC" if node.started_at else "unknown"
