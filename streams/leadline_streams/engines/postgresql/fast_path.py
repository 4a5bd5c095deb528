"""One more second of what was well: what a long look would say and remember, at a fraction of its cost.

The last long look at a node or link left a mark on it when all was well. While it is marked, a glance sees to what the
next sample itself could change. Whatever is not as expected takes the long way, which marks it anew and takes the mark
from the links to its downstreams: a glance may always say False.
"""

from leadline.model.lsn import parse_lsn
from leadline.model.observation import Sample
from leadline_streams.engines.postgresql import calm
from leadline_streams.judge import link_progress, rollup
from leadline_streams.judge.link_progress import ANCHOR_S, PAGE_SLACK_BYTES, SILENT_REPLY_S, follow_trend
from leadline_streams.judge.state import LinkState, NodeState
from leadline_streams.judge.verdict import caught_up


def is_well(node: NodeState) -> bool:
    """Whether a glance at a node's next sample may be enough: it is calm, and nothing of it is being followed."""
    sample = node.sample
    return (
        calm.node_is_calm(node)
        and sample is not None
        and not sample.subscriptions
        and all(map(calm.slot_is_calm, sample.slots))
        and not node.held
        and not node.unconfirmed
        and node.tables is None
    )


def streams(link: LinkState) -> bool:
    """Whether a glance at the next sample of a link's downstream may be enough: it streams and has all there is."""
    return (
        link.kind == "physical"
        and not link.agentless
        and link.connected
        and link.lag_s == 0.0
        and link.verdict in ("idle", "healthy")
    )


def at_node(node: NodeState, sample: Sample, now: float, upstream_seen: bool) -> bool:
    """Take a sample of a node that is well, when it shows one more such second with the same neighbours."""
    before = node.sample
    if before is None or not sample.up or sample.subscriptions or sample.disk is not None or sample.tables is not None:
        return False
    if sample.node != before.node or sample.conflicts != before.conflicts:
        return False
    positions, activity, archiver = sample.positions, sample.activity, sample.archiver
    if positions is not None and positions.apply_delay_s:
        return False
    if activity is not None and activity.sync_waiters:
        return False
    if archiver is not None and (archiver.failed or archiver.last_failed_s is not None or archiver.ready is not None):
        return False
    told, knew = sample.upstream, before.upstream
    if told is None or knew is None:
        if told is not knew:
            return False
    elif told.host != knew.host or told.port != knew.port or told.slot != knew.slot:
        return False
    slots, rows = sample.slots, sample.downstreams
    if slots or before.slots:
        if len(slots) != len(before.slots):
            return False
        for slot, was in zip(slots, before.slots, strict=True):
            if slot.name != was.name or not calm.slot_is_calm(slot):
                return False
    if rows or before.downstreams:
        if len(rows) != len(before.downstreams):
            return False
        for row, had in zip(rows, before.downstreams, strict=True):
            if row.name != had.name or row.slot != had.slot:
                return False
    if rows or not upstream_seen:
        link_progress.feed_clock(node, sample, now, upstream_seen)
        if node.unconfirmed:
            return False
    node.seen, node.node, node.sample = now, sample.node, sample
    return True


def at_link(link: LinkState, now: float, up: NodeState | None, sample: Sample) -> bool:
    """Judge and count a link that streams, when its downstream's sample shows that it does so still."""
    if up is None or not up.well or up.node.role != "primary":
        return False
    receiver, positions, lsns = sample.upstream, sample.positions, up.clock.lsns
    if receiver is None or receiver.status is None or (receiver.message_age_s or 0.0) >= SILENT_REPLY_S:
        return False
    if positions is None or positions.replay_paused or positions.replayed_lsn is None or not lsns:
        return False
    position = parse_lsn(positions.replayed_lsn)
    behind = lsns[-1] - position
    if behind > PAGE_SLACK_BYTES:
        return False
    if behind < 0:
        behind = 0
    received = parse_lsn(positions.received_lsn) if positions.received_lsn is not None else position
    link.position = position
    link.received = received if received > position else position
    link.moved_at = now
    link.lag_bytes = link.hop_bytes = behind
    if now - link.anchor_at >= ANCHOR_S:
        follow_trend(link, now)
    judged = caught_up(up.clock)
    if judged != link.verdict:
        link.verdict, link.verdict_since = judged, now
    rollup.count_caught_up(link.brief, behind, judged)
    return True
