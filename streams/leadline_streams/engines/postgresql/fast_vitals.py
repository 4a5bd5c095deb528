"""Fast path for the vitals of healthy nodes: outputs and state are those of the sample that they make with their base.

What is not a number is as in the last sample of the node, which ``fast_path`` took or which was judged in full. Of the
numbers those are looked at that ``fast_path`` reads. Refusing vitals is always right: the sample is judged then.
"""

from leadline.model.observation import Sample
from leadline.model.pg_vital_parts import (
    ActivityVitals,
    ArchiverVitals,
    DownstreamVitals,
    PositionVitals,
    SessionVitals,
    SlotVitals,
    UpstreamVitals,
)
from leadline.model.pg_vitals import PostgresqlVitals
from leadline_streams.engines.postgresql import fast_path
from leadline_streams.engines.postgresql.horizon import LEAST_AGE, NEVER_MOVING
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES, SILENT_REPLY_S, unanswered_s
from leadline_streams.engines.postgresql.slots import HELD_BYTES
from leadline_streams.engines.postgresql.stages import is_session_wait
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.packed_sample import PackedSample

READ = {
    PositionVitals: {"current_lsn", "received_lsn", "replayed_lsn"},
    UpstreamVitals: {"latest_end_lsn", "message_age_s"},
    DownstreamVitals: {"sent_lsn", "write_lsn", "flush_lsn", "reply_age_s", "connected_s", "xmin_age"},
    SlotVitals: {"retained_bytes", "safe_wal_bytes", "xmin_age", "catalog_xmin_age", "confirmed_lsn"},
    ActivityVitals: {"prepared_age"},
    SessionVitals: {"xmin_age"},
    ArchiverVitals: {"last_failed_s"},
}
"""Numbers that are looked at here. A test holds that they are all numbers that ``fast_path`` reads."""


def take(node: NodeState, vitals: PostgresqlVitals, now: float, upstream_seen: bool) -> bool:
    """Take vitals in which no rule could breach; see ``fast_path.take_fast``."""
    rows, archiver = vitals.downstreams, vitals.archiver
    if archiver is not None and archiver.last_failed_s is not None:
        return False
    for slot in vitals.slots:
        kept, left = slot.retained_bytes, slot.safe_wal_bytes
        if kept is not None and (kept > HELD_BYTES or (left is not None and kept > left)):
            return False
    silent = False
    for row in rows:
        if row.reply_age_s is None or row.reply_age_s >= SILENT_REPLY_S:
            silent = True
    if vitals.decoding and _creates_slots(node, vitals):
        return False
    if node.takes_writes and _may_hold(vitals):
        return False
    positions = vitals.positions
    if positions is not None and positions.received_lsn != positions.replayed_lsn and _waits(node.kept, vitals):
        return False
    if rows or not upstream_seen:
        end = _end_of_wal(vitals, upstream_seen)
        if end is not None and not node.clock.follow(now, end):
            return False
        if silent and any(_may_be_dead(node, vitals, row) for row in rows):
            return False
    node.seen = now
    return True


def judge(link: LinkState, up: NodeState | None, vitals: PostgresqlVitals, now: float) -> bool:
    """Judge and count a link that streams, when the vitals show that it still does; see ``fast_path.judge_fast``."""
    if up is None or not up.is_healthy or up.node.role != "primary":
        return False
    receiver, positions = vitals.upstream, vitals.positions
    if receiver is None or (receiver.message_age_s or 0.0) >= SILENT_REPLY_S:
        return False
    if positions is None or positions.replayed_lsn is None or not up.clock.positions:
        return False
    replayed, received_before_end = positions.replayed_lsn, positions.received_lsn
    received = position = max(0, vitals.end - replayed)
    if received_before_end is not None and received_before_end != replayed:
        received = max(0, vitals.end - received_before_end)
    return fast_path.streams_on(link, up, position, received, now)


def _may_be_dead(node: NodeState, vitals: PostgresqlVitals, row: DownstreamVitals) -> bool:
    """Whether a sender without a reply may have WAL to deliver; see ``silence.is_dead``. On an idle server
    standbys reply each ten seconds."""
    silent_s = unanswered_s(row)
    if silent_s is None or silent_s < SILENT_REPLY_S:
        return False
    end, written = node.clock.end, row.write_lsn if row.write_lsn is not None else row.flush_lsn
    return end is None or written is None or end - (vitals.end - written) > PAGE_SLACK_BYTES


def _waits(base: Sample | PackedSample | None, vitals: PostgresqlVitals) -> bool:
    """Whether the startup process waits for a session."""
    for wait in vitals.waits:
        if wait.place == 0:
            return is_session_wait(wait.event)
    if isinstance(base, PackedSample):
        return is_session_wait(base.startup_wait)
    return is_session_wait(base.positions.startup_wait if base is not None and base.positions is not None else None)


def _creates_slots(node: NodeState, vitals: PostgresqlVitals) -> bool:
    """Whether a logical slot is not complete: it has no confirmed position."""
    if all(slot.confirmed_lsn is not None for slot in vitals.slots):
        return False
    slots = node.shown.slots if node.shown is not None else ()
    return any(
        slot.kind != "physical" and its.confirmed_lsn is None for slot, its in zip(slots, vitals.slots, strict=True)
    )


def _may_hold(vitals: PostgresqlVitals) -> bool:
    """Whether any snapshot is old."""
    activity = vitals.activity
    if activity is not None and (activity.prepared_age or 0) >= LEAST_AGE:
        return True
    for row in vitals.downstreams:
        if row.xmin_age is not None and row.xmin_age >= LEAST_AGE:
            return True
    for session in vitals.oldest:
        if session.xmin_age is not None and session.xmin_age >= LEAST_AGE:
            return True
    for slot in vitals.slots:
        if (slot.xmin_age or 0) >= LEAST_AGE or (slot.catalog_xmin_age or 0) >= NEVER_MOVING:
            return True
    return False


def _end_of_wal(vitals: PostgresqlVitals, upstream_seen: bool) -> int | None:
    """See ``link_reading.end_of_wal``."""
    positions, receiver = vitals.positions, vitals.upstream
    if positions is not None and positions.current_lsn is not None:
        return max(0, vitals.end - positions.current_lsn)
    if receiver is not None and not upstream_seen and receiver.latest_end_lsn is not None:
        return max(0, vitals.end - receiver.latest_end_lsn)
    return None
