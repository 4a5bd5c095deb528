"""WAL as samples show it: what is missing between two positions, and where an upstream's WAL begins."""

from leadline.model.observation import Sample
from leadline.numbers import whole_number
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.judge.diagnosis.context import AffectedLink
from leadline_streams.judge.node_state import NodeState


def oldest_kept(sample: Sample, keep_bytes: int, segment_bytes: int) -> int | None:
    """The position below which a primary's WAL is gone; None when that cannot be known, or nothing is removed now.

    A checkpoint removes what is before it but for ``wal_keep_size`` and the oldest slot (KeepLogSeg in xlog.c).
    """
    redo = sample.positions.redo_lsn if sample.positions is not None else None
    if redo is None:
        return None
    if sample.archiver is not None and (sample.archiver.ready or sample.archiver.last_failed_s is not None):
        return None  # what is not archived yet is kept
    slots = [parse_lsn(slot.restart_lsn) for slot in sample.slots if slot.restart_lsn and not slot_is_lost(slot)]
    return min([parse_lsn(redo), *slots]) - keep_bytes - segment_bytes


def has_forked(affected: AffectedLink) -> bool:
    """Whether a standby on an older timeline has WAL that its upstream's history never had.

    It began to stream and never got to where it already is; or, where its settings keep it on its timeline, it is
    beyond the position at which the upstream left that.
    """
    positions = affected.sample.positions if affected.sample is not None else None
    if affected.up is None or affected.down is None or positions is None:
        return False
    if positions.replayed_lsn is None:
        return False
    if kept_timeline(affected.up, affected.down) is not None:
        left = left_at(affected.up, affected.down)
        return left is not None and parse_lsn(positions.replayed_lsn) > left
    if positions.received_lsn is None:
        return False
    older = (affected.down.node.timeline or 0) < (affected.up.node.timeline or 0)
    return older and parse_lsn(positions.received_lsn) < parse_lsn(positions.replayed_lsn)


def kept_timeline(up: NodeState, down: NodeState) -> str | None:
    """The ``recovery_target_timeline`` that keeps a standby from its upstream's newer timeline; None for none."""
    setting = down.settings.get("recovery_target_timeline")
    ours, theirs = down.node.timeline, up.node.timeline
    if setting is None or setting.value in ("", "latest") or ours is None or theirs is None or ours >= theirs:
        return None
    return None if (whole_number(setting.value) or 0) >= theirs else setting.value


def left_at(up: NodeState, down: NodeState) -> int | None:
    """The position at which a promoted server left the timeline of a standby; None where that is not known.

    Until it is restarted, it shows the last position that it replayed as a standby.
    """
    positions = up.sample.positions if up.answers and up.sample is not None else None
    if positions is None or positions.replayed_lsn is None or not up.takes_writes:
        return None
    ours, theirs = down.node.timeline, up.node.timeline
    return parse_lsn(positions.replayed_lsn) if ours is not None and theirs == ours + 1 else None
