"""What needs no rule to be asked: subjects of which a glance says that all is well.

Nearly every sample of a healthy fleet is calm, and judging it costs a fraction. A rule may breach on a calm subject
only by what comes with settings (``config_mismatch``, ``identity_missing``); those are asked when settings come, when
neighbours change, and while any alert of the cluster is open. A test asks every rule about calm subjects and holds
this.
"""

from leadline.model.observation import Slot
from leadline_streams.engines.postgresql.retention import HELD_BYTES
from leadline_streams.judge.state import LinkState, NodeState

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


def slot_is_calm(slot: Slot) -> bool:
    """It is in use, valid, and keeps little log."""
    kept, left = slot.retained_bytes, slot.safe_wal_bytes
    return (
        slot.active
        and slot.wal_status == "reserved"
        and not slot.conflicting
        and slot.invalidation_reason is None
        and (kept is None or (kept <= HELD_BYTES and (left is None or kept <= left)))
    )


def link_is_calm(link: LinkState, down: NodeState | None) -> bool:
    """It is connected and caught up, and not delayed on purpose."""
    if not link.connected or link.lag_s != 0.0 or link.verdict not in ("idle", "healthy"):
        return False
    sample = down.sample if down is not None else None
    return sample is None or sample.positions is None or not sample.positions.apply_delay_s
