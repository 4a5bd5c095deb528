"""Fast path for healthy nodes and links. Its outputs and state are exactly those of the full evaluation.

The full evaluation marks a node or link that is healthy. While the mark stands, the fast path reads only the fields of
the next sample that could change the judgement. A sample that is not as expected takes the full evaluation, which sets
the mark anew and takes the marks from the links to its downstreams. Refusing a sample is always right.

It fails closed: every field of a sample is either read here (``READ``) or named as one that cannot matter for a healthy
subject (``SKIPPED``). While a field is in neither, the fast path refuses every sample.
"""

from collections.abc import Mapping

import msgspec

from leadline.model.activity import Activity
from leadline.model.host import Archiver
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Slot, Upstream
from leadline_streams.engines.postgresql import health
from leadline_streams.engines.postgresql.horizon import LEAST_AGE, slot_holds
from leadline_streams.engines.postgresql.link_reading import NOT_STREAMING, end_of_wal
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES, SILENT_REPLY_S, is_dead
from leadline_streams.engines.postgresql.stages import is_session_wait
from leadline_streams.judge import rollup
from leadline_streams.judge.link_progress import ANCHOR_S, LEAD_S, follow_trend
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.packed_sample import PackedSample
from leadline_streams.judge.verdict import caught_up

Fields = Mapping[type[msgspec.Struct], frozenset[str]]

READ: Fields = {
    Sample: frozenset(
        {
            *("node", "up", "positions", "downstreams", "upstream", "slots", "subscriptions", "tables", "conflicts"),
            *("activity", "archiver", "disk", "not_permitted", "not_supported", "not_read", "server_log", "refused"),
            *("publishes", "subscribes", "left_out", "databases"),
        }
    ),
    Positions: frozenset({"current_lsn", "received_lsn", "replayed_lsn", "replay_paused", "apply_delay_s"})
    | {"startup_wait"},
    Upstream: frozenset({"host", "port", "slot", "status", "latest_end_lsn", "message_age_s", "pid"}),
    Downstream: frozenset(
        {
            *("pid", "name", "kind", "slot", "sent_lsn", "write_lsn", "flush_lsn", "reply_age_s", "connected_s"),
            "xmin_age",
        }
    ),
    Slot: frozenset(
        {
            *("name", "active", "retained_bytes", "wal_status", "safe_wal_bytes", "conflicting"),
            *("invalidation_reason", "xmin_age", "catalog_xmin_age", "kind", "confirmed_lsn"),
        }
    ),
    Activity: frozenset({"sync_waiters", "oldest", "prepared_age"}),
    Archiver: frozenset({"failed", "last_failed_s", "ready"}),
}
"""Fields that the fast path reads."""

SKIPPED: Fields = {
    # Order is the watermark's matter; the error, the role and the cost of a look change no
    # verdict; publications and copies matter to subscriptions only, which never take the fast path; timeouts of senders
    # come with the tables of publications, which the fast path refuses.
    Sample: frozenset({"seq", "at", "sent_at", "interval_s", "error", "database", "publications", "cost"})
    | {"error_code", "stopped", "login", "inherits", "copies", "sender_timeouts", "slow_tables"},
    # Times explain a lag, and there is none; positions that are counts are another engine's.
    Positions: frozenset({"last_replay_at", "redo_lsn", "current", "received", "applied"}),
    # What identifies a connection stays the same while the processes at its ends do.
    Upstream: frozenset(
        {
            *("application_name", "configured", "written_lsn", "flushed_lsn", "timeline", "last_message_at"),
            *("began_at", "clock_ahead_s", "local_port"),
        }
    ),
    Downstream: frozenset(
        {
            *("state", "address", "port", "replay_lsn", "write_lag_s", "flush_lag_s", "replay_lag_s"),
            *("sync_state", "sync_priority", "wait"),
        }
    ),
    # A slot that is in use, complete, valid and retains little harms nobody, whatever its counters.
    Slot: frozenset(
        {
            *("plugin", "database", "temporary", "active_pid", "restart_lsn"),
            *("two_phase", "inactive_s", "failover", "synced", "spill_txns", "spill_bytes"),
            *("stream_txns", "stream_bytes", "total_txns", "total_bytes"),
        }
    ),
    # Who waits in vain shows in the slot that is being created, or by the subscription on its subscriber.
    Activity: frozenset({"blockers", "waiting_senders", "sync_wait_s", "prepared_transactions", "prepared_oldest_s"})
    | {"prepared_gid"},
    Archiver: frozenset({"archived", "last_archived_wal", "last_archived_s", "last_failed_wal"}),
}
"""Fields that cannot change the judgement of a healthy subject."""


def unnamed(read: Fields, skipped: Fields) -> dict[str, set[str]]:
    """Fields of the types in ``read`` that are in neither mapping, by type."""
    missing = {kind.__name__: set(kind.__struct_fields__) - names - skipped[kind] for kind, names in read.items()}
    return {name: fields for name, fields in missing.items() if fields}


ENABLED = not unnamed(READ, SKIPPED)


def may_skip_node(node: NodeState) -> bool:
    """Whether the fast path may take a node's next sample: it is healthy, and nothing on it is being followed."""
    sample = node.sample
    return (
        ENABLED
        and health.node_is_healthy(node)
        and sample is not None
        and not sample.subscriptions
        and all(map(health.slot_is_healthy, sample.slots))
        and not node.held
        and not node.unconfirmed
        and node.tables is None
        and node.server_log is None
    )


def may_skip_link(link: LinkState) -> bool:
    """Whether the fast path may take a link at its downstream's next sample: it streams and has all there is."""
    return (
        ENABLED
        and is_streaming(link)
        and not link.agentless
        and not link.circle
        and link.connected
        and link.lag_s == 0.0
        and not link.lag_is_bound
        and link.verdict in ("idle", "healthy")
    )


def take_fast(node: NodeState, sample: Sample, now: float, upstream_seen: bool) -> bool:
    """Take a sample of a healthy node when it shows the same neighbours and nothing that a rule could breach on."""
    before = node.kept  # without the numbers of its last vitals, which are not read here
    if before is None or not sample.up or sample.subscriptions or sample.disk is not None or sample.tables is not None:
        return False
    if sample.server_log is not None or sample.refused or sample.publishes is not None or sample.subscribes is not None:
        return False
    if sample.databases is not None and (sample.databases or node.databases):
        return False
    if isinstance(before, PackedSample):
        before = sample if before.is_like(sample) else before.unpack()
    # Decoding gives equal ones as the same object, mostly.
    if sample.node is not before.node and sample.node != before.node:
        return False
    if sample.conflicts is not before.conflicts and sample.conflicts != before.conflicts:
        return False
    if sample.not_read or sample.left_out or (sample.not_supported and sample.not_supported != before.not_supported):
        return False
    if sample.not_permitted and sample.not_permitted != before.not_permitted:
        return False
    positions, activity, archiver = sample.positions, sample.activity, sample.archiver
    if positions is not None and (
        positions.apply_delay_s
        or (positions.received_lsn != positions.replayed_lsn and is_session_wait(positions.startup_wait))
    ):
        return False
    if activity is not None:
        if activity.sync_waiters or ((activity.prepared_age or 0) >= LEAST_AGE and node.takes_writes):
            return False
        for session in activity.oldest:
            if session.xmin_age is not None and session.xmin_age >= LEAST_AGE and node.takes_writes:
                return False
    if archiver is not None and (archiver.failed or archiver.last_failed_s is not None or archiver.ready is not None):
        return False
    now_up, was_up = sample.upstream, before.upstream
    if now_up is None or was_up is None:
        if now_up is not was_up:
            return False
    elif (
        (now_up.status is None) != (was_up.status is None)
        or now_up.pid != was_up.pid
        or now_up.host != was_up.host
        or now_up.port != was_up.port
        or now_up.slot != was_up.slot
    ):
        return False
    slots, rows, silent = sample.slots, sample.downstreams, False
    if slots or before.slots:
        if len(slots) != len(before.slots):
            return False
        for place, slot in enumerate(slots):
            if slot.name != before.slots[place].name or not health.slot_is_healthy(slot):
                return False
            if (slot.xmin_age or slot.catalog_xmin_age) and slot_holds(slot) and node.takes_writes:
                return False
    if rows or before.downstreams:
        if len(rows) != len(before.downstreams):
            return False
        for place, row in enumerate(rows):
            had = before.downstreams[place]
            if row.pid != had.pid or row.name != had.name or row.slot != had.slot:
                return False
            if row.reply_age_s is None or row.reply_age_s >= SILENT_REPLY_S:
                silent = True
            if row.xmin_age is not None and row.xmin_age >= LEAST_AGE and node.takes_writes:
                return False
    if rows or not upstream_seen:
        end = end_of_wal(sample, upstream_seen)
        if end is not None and not node.clock.follow(now, end):
            return False
        if silent and any(is_dead(node, row) for row in rows):
            return False
    node.seen, node.kept = now, sample
    if node.node is not sample.node:
        node.node = sample.node
    if node.vitals is not None:
        node.vitals = None
    return True


def judge_fast(link: LinkState, up: NodeState | None, sample: Sample, now: float) -> bool:
    """Judge and count a link that streams, when its downstream's sample shows that it still does."""
    if up is None or not up.is_healthy or up.node.role != "primary":
        return False
    receiver, positions = sample.upstream, sample.positions
    if receiver is None or receiver.status in NOT_STREAMING or (receiver.message_age_s or 0.0) >= SILENT_REPLY_S:
        return False
    if positions is None or positions.replay_paused or positions.replayed_lsn is None or not up.clock.positions:
        return False
    replayed, received_lsn = positions.replayed_lsn, positions.received_lsn
    received = position = parse_lsn(replayed)
    if received_lsn is not None and received_lsn != replayed:
        received = parse_lsn(received_lsn)
    return streams_on(link, up, position, received, now)


def streams_on(link: LinkState, up: NodeState, position: int, received: int, now: float) -> bool:
    """Note and count the new position of a link that streams; False, and nothing is changed, if that is behind."""
    clock = up.clock
    behind = clock.positions[-1] - position
    if behind > PAGE_SLACK_BYTES:
        return False
    if behind < 0:
        if not clock.has_written(-behind, LEAD_S):
            return False
        behind = 0
    link.position = position
    link.received = received if received > position else position
    link.moved_at = now
    link.lag_units = link.hop_units = behind
    if now - link.anchor_at >= ANCHOR_S:
        follow_trend(link, now)
    judged = caught_up(clock)
    if judged != link.verdict:
        link.verdict, link.verdict_since = judged, now
    rollup.count_caught_up(link.brief, behind, judged)
    return True
