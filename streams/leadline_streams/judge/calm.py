"""What needs no rule to be asked: subjects of which a glance says that all is well.

Nearly every sample of a healthy fleet is calm, and judging it costs a fraction. A rule may breach on a calm subject
only by what settings say (``config_mismatch``); those are asked when settings come, when neighbours change, and while
any alert of the cluster is open. A test asks every rule about calm subjects and holds this.
"""

from leadline.model.observation import Sample, Slot
from leadline_streams.judge.memory import LinkState, NodeState
from leadline_streams.judge.retention import holds_much
from leadline_streams.judge.topology import same_neighbours

SYNCHRONOUS = "synchronous_standby_names"


def node_is_calm(node: NodeState) -> bool:
    """It answers, nothing went wrong lately, nothing waits or is delayed, and no standby has to confirm commits."""
    sample = node.sample
    if not node.up or node.stale or sample is None or node.windows or node.unarchived:
        return False
    if sample.archiver is not None and sample.archiver.last_failed_s is not None:
        return False
    if sample.activity is not None and sample.activity.sync_waiters:
        return False
    if sample.positions is not None and sample.positions.apply_delay_s:
        return False
    wanted = node.settings.get(SYNCHRONOUS)
    return wanted is None or not wanted.value


def nothing_new(node: NodeState, sample: Sample) -> bool:
    """Whether a sample shows one more calm second of a node that was calm, with the same neighbours.

    Then nothing about the node needs to be looked at again; its links are. False is always safe.
    """
    before = node.sample
    if before is None or node.stale or not node.up or not sample.up or node.windows or node.held or node.unarchived:
        return False
    if sample.subscriptions or before.subscriptions or sample.disk is not None or sample.conflicts != before.conflicts:
        return False
    archiver, activity, positions = sample.archiver, sample.activity, sample.positions
    if archiver is not None and (archiver.last_failed_s is not None or archiver.ready is not None):
        return False
    if (activity is not None and activity.sync_waiters) or (positions is not None and positions.apply_delay_s):
        return False
    was, now = node.node, sample.node
    if was.role != now.role or was.datacenter != now.datacenter or was.labels != now.labels:
        return False
    wanted = node.settings.get(SYNCHRONOUS)
    if wanted is not None and wanted.value:
        return False
    for slot in sample.slots:
        if not slot_is_calm(slot):
            return False
    return same_neighbours(before, sample)


def slot_is_calm(slot: Slot) -> bool:
    """It is in use, valid, and keeps little log."""
    return (
        slot.active
        and slot.wal_status == "reserved"
        and not slot.conflicting
        and slot.invalidation_reason is None
        and not holds_much(slot)
    )


def link_is_calm(link: LinkState, down: NodeState | None) -> bool:
    """It is connected and caught up, and not delayed on purpose."""
    if not link.connected or link.lag_s != 0.0 or link.verdict not in ("idle", "healthy"):
        return False
    sample = down.sample if down is not None else None
    return sample is None or sample.positions is None or not sample.positions.apply_delay_s
