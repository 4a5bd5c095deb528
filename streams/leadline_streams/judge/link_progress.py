"""What one link has done: whether it is connected, where it is, how far behind, and which way that goes."""

from leadline.model.lsn import parse_lsn
from leadline.model.observation import Downstream, Sample
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.state import LinkState, NodeState

PAGE_SLACK_BYTES = 2 * 8192
"""An idle primary may leave the tail of its log unflushed; a gap below two pages is no gap."""
SILENT_REPLY_S = 5.0
"""A downstream that has work and has not replied for this long does not receive it."""
SILENT_MESSAGE_S = 35.0
"""An idle sender speaks every ``wal_sender_timeout / 2``, 30 s by default."""
ANCHOR_S = 5.0


def update(
    link: LinkState, now: float, up: NodeState | None, down: NodeState | None, row: Downstream | None, clock: LsnClock
) -> None:
    """Bring a link up to date with the last samples of its ends. Absent knowledge leaves the last position."""
    _connection(link, now, up, down, row)
    position, received = _positions(link, up, down, row)
    if position is not None:
        if link.position is None or position != link.position:
            link.moved_at = now
        link.position = position
        link.received = max(received or position, position)
    end = clock.end
    if link.position is None or end is None:
        link.lag_s = link.lag_bytes = link.hop_bytes = None
        return
    behind = max(0, end - link.position)
    link.lag_bytes = behind
    if behind <= PAGE_SLACK_BYTES:
        link.lag_s = 0.0
        # A subscriber confirms each commit: behind by one small transaction is behind.
        if behind == 0 or link.kind == "physical":
            link.moved_at = now
    else:
        link.lag_s = clock.lag(link.position)
        if link.position < clock.lsns[0]:
            link.lag_s = max(link.lag_s or 0.0, _told(up, down, row))
    link.hop_bytes = max(0, _sent_by(up, end) - link.position)
    follow_trend(link, now)


def outstanding(link: LinkState) -> bool:
    """Whether the downstream has received log that it has not applied."""
    return link.position is not None and link.received is not None and link.received - link.position > PAGE_SLACK_BYTES


def _connection(
    link: LinkState, now: float, up: NodeState | None, down: NodeState | None, row: Downstream | None
) -> None:
    connected = _connected(link, up, down, row)
    if connected is None:
        return
    if connected:
        link.cut_since = None
    elif link.cut_since is None:
        link.cut_since = now
    link.connected = connected


def _connected(link: LinkState, up: NodeState | None, down: NodeState | None, row: Downstream | None) -> bool | None:
    """What the ends that answer say; None when neither does."""
    sender_side = row is not None if up is not None and up.answers else None
    if up is not None and row is not None and _is_dead(up, row):
        return False
    if down is None or not down.answers or down.sample is None:
        return sender_side
    if link.kind == "logical":
        # A worker that fails to connect, or to start streaming, has a pid while it tries and has received nothing.
        return any(
            s.name == link.name and s.pid is not None and (s.received_lsn is not None or bool(sender_side))
            for s in down.sample.subscriptions
        )
    receiver = down.sample.upstream
    if receiver is None or receiver.status is None:
        return False
    silent_s = receiver.message_age_s or 0.0
    if silent_s < SILENT_REPLY_S:
        return True
    return silent_s < SILENT_MESSAGE_S and sender_side is not False and not _is_deaf(up, down.sample)


def _is_dead(up: NodeState, row: Downstream) -> bool:
    """The sender has log to deliver and no answer comes: the other end hangs, or the network eats packets."""
    if row.kind == "logical" or row.reply_age_s is None or row.reply_age_s < SILENT_REPLY_S:
        return False
    end = up.clock.end
    written = row.write_lsn or row.flush_lsn
    return end is not None and written is not None and end - parse_lsn(written) > PAGE_SLACK_BYTES


def _is_deaf(up: NodeState | None, sample: Sample) -> bool:
    """A receiver that heard nothing for a while lacks log that its upstream has.

    What it received is told from the start of a segment after a restart, until more arrives; it has what it replayed.
    """
    positions = sample.positions
    if up is None or not up.answers or positions is None or positions.received_lsn is None:
        return False
    has = max(parse_lsn(positions.received_lsn), parse_lsn(positions.replayed_lsn or "0/0"))
    return _sent_by(up, up.clock.end or 0) - has > PAGE_SLACK_BYTES


def _positions(
    link: LinkState, up: NodeState | None, down: NodeState | None, row: Downstream | None
) -> tuple[int | None, int | None]:
    if link.kind == "logical":
        return _logical_positions(link, up, down)
    sample = down.sample if down is not None and down.answers else None
    if sample is not None and sample.positions is not None and sample.positions.replayed_lsn is not None:
        received = sample.positions.received_lsn
        return parse_lsn(sample.positions.replayed_lsn), parse_lsn(received) if received is not None else None
    if row is not None and row.replay_lsn is not None:
        return parse_lsn(row.replay_lsn), parse_lsn(row.flush_lsn) if row.flush_lsn is not None else None
    return None, None


def _logical_positions(link: LinkState, up: NodeState | None, down: NodeState | None) -> tuple[int | None, int | None]:
    applied: list[int] = []
    received = None
    if up is not None and up.answers and up.sample is not None:
        applied += [parse_lsn(s.confirmed_lsn) for s in up.sample.slots if s.name == link.slot and s.confirmed_lsn]
    if down is not None and down.answers and down.sample is not None:
        for subscription in down.sample.subscriptions:
            if subscription.name == link.name:
                if subscription.latest_end_lsn is not None:
                    applied.append(parse_lsn(subscription.latest_end_lsn))
                if subscription.received_lsn is not None:
                    received = parse_lsn(subscription.received_lsn)
    return (max(applied), received) if applied else (None, None)


def _told(up: NodeState | None, down: NodeState | None, row: Downstream | None) -> float:
    """Lag in the servers' own words, for a position from before we looked. Both times are of the primary's clock."""
    upstream = up.sample if up is not None and up.answers else None
    downstream = down.sample if down is not None and down.answers else None
    if upstream is not None and downstream is not None and downstream.positions is not None:
        replayed_at = downstream.positions.last_replay_at
        if replayed_at is not None:
            return max(0.0, (upstream.at - replayed_at).total_seconds())
    return row.replay_lag_s or 0.0 if row is not None else 0.0


def _sent_by(up: NodeState | None, end: int) -> int:
    """Up to where the upstream could serve: its own log's end, or what a standby has received."""
    if up is None or up.node.role == "primary" or up.sample is None or up.sample.positions is None:
        return end
    received = up.sample.positions.received_lsn
    return parse_lsn(received) if received is not None else end


def follow_trend(link: LinkState, now: float) -> None:
    """Note how the lag grows: now, or when the last note is old enough."""
    elapsed = now - link.anchor_at
    if elapsed >= ANCHOR_S:
        lag_s, lag_bytes = link.lag_s or 0.0, link.lag_bytes or 0
        if elapsed < 12 * ANCHOR_S:
            link.growth_s = (lag_s - link.anchor_s) / elapsed
            link.growth_bytes = (lag_bytes - link.anchor_bytes) / elapsed
        else:
            link.growth_s = link.growth_bytes = None
        link.anchor_at, link.anchor_s, link.anchor_bytes = now, lag_s, lag_bytes


def feed_clock(node: NodeState, sample: Sample, now: float, upstream_seen: bool) -> None:
    """Note where the log of a node ends, and whether its standbys confirm that they get it.

    The end is its own if it is a primary, its unseen upstream's if it is a standby.
    """
    positions = sample.positions
    if positions is not None and positions.current_lsn is not None:
        node.clock.add(now, parse_lsn(positions.current_lsn))
    elif sample.upstream is not None and not upstream_seen and sample.upstream.latest_end_lsn is not None:
        node.clock.add(now, parse_lsn(sample.upstream.latest_end_lsn))
    node.unconfirmed = False
    for row in sample.downstreams:
        if row.reply_age_s is not None and row.reply_age_s >= SILENT_REPLY_S and _is_dead(node, row):
            node.unconfirmed = True
