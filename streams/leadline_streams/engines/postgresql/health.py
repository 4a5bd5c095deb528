"""Healthy subjects: no rule needs to be measured, because none would breach.

Nearly every sample of a fleet is of healthy subjects, and the check costs a fraction of the rules. A rule may breach on
a healthy subject only because of settings (``config_mismatch``, ``identity_missing``); such rules are measured when
settings arrive, when neighbours change, and while any alert of the cluster is open. A test measures every rule on
healthy subjects and holds this.
"""

from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.archive import has_no_command
from leadline_streams.engines.postgresql.horizon import is_held
from leadline_streams.engines.postgresql.rights import refused
from leadline_streams.engines.postgresql.slots import HELD_BYTES, is_being_created
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState

SYNCHRONOUS = "synchronous_standby_names"


def node_is_healthy(node: NodeState) -> bool:
    """It answers, no error counter rose lately, nothing waits or is delayed, and no standby has to confirm commits."""
    sample = node.sample
    if sample is not None and refused(sample):
        return False
    if not node.up or node.stale or sample is None or node.windows or node.unarchived or node.blind:
        return False
    if node.is_outrun or node.went_back is not None or node.refused or node.host_ahead_s or node.shared_at:
        return False
    if sample.archiver is not None and (sample.archiver.last_failed_s is not None or has_no_command(node)):
        return False
    if sample.activity is not None and sample.activity.sync_waiters:
        return False
    if sample.positions is not None and sample.positions.apply_delay_s:
        return False
    if node.takes_writes and is_held(sample):
        return False
    wanted = node.settings.get(SYNCHRONOUS)
    return wanted is None or not wanted.value


def slot_is_healthy(slot: Slot) -> bool:
    """It is in use, complete, valid, and retains little WAL."""
    kept, left = slot.retained_bytes, slot.safe_wal_bytes
    return (
        slot.active
        and slot.wal_status == "reserved"
        and not slot.conflicting
        and slot.invalidation_reason is None
        and (slot.kind == "physical" or not is_being_created(slot))
        and (kept is None or (kept <= HELD_BYTES and (left is None or kept <= left)))
    )


def link_is_healthy(link: LinkState, down: NodeState | None) -> bool:
    """It is connected and caught up, and not delayed on purpose."""
    if not link.connected or link.lag_s != 0.0 or link.verdict not in ("idle", "healthy"):
        return False
    sample = down.sample if down is not None else None
    return sample is None or sample.positions is None or not sample.positions.apply_delay_s
