"""The present state of a link, read from the samples of its ends."""

from math import inf

from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Subscription, Upstream
from leadline_streams.engines.postgresql import archive
from leadline_streams.engines.postgresql.links import (
    is_held_back,
    is_logical,
    is_streaming,
    row_of,
    slot_of,
    subscription_of,
)
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES, SILENT_REPLY_S, is_dead, may_wait
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.engines.postgresql.stages import waits_for_session
from leadline_streams.engines.postgresql.subscriptions import in_error_loop, is_blocked, missing_publications
from leadline_streams.engines.postgresql.timeouts import keepalive_s, sender_timeout_s
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState, WentBack

WENT_BACK_S = 3600.0
"""Its standbys are to be repaired after a primary's WAL went back, whatever their positions show by then."""
UNSURE_S = 5.0
"""Uncertainty of the time of a look whose agent's clock is wrong."""
NOT_STREAMING = frozenset({None, "waiting"})
"""States of a receiver that gets nothing: there is none, or its upstream's WAL on the timeline of the standby has ended
and it waits for the next one."""

FIRST_S = 25.0
"""A consumer that was not seen to confirm yet has so long: over a minute with the time for which a breach must last."""
PACES = 1.5
"""A consumer may take so many times the longest time that it took."""


def read_link(link: LinkState, up: NodeState | None, down: NodeState | None, now: float) -> LinkReading:
    """The present state of a streaming link or a subscription."""
    if link.kind == "archive":
        return archive.read(link, up, down, now)
    up_answers, down_answers = up is not None and up.answers, down is not None and down.answers
    row = row_of(link, up) if up_answers else None
    sample = down.sample if down is not None and down_answers else None
    positions = sample.positions if sample is not None else None
    subscription = subscription_of(link, down) if down_answers else None
    position, received = _positions(link, up, down, row)
    broken, failing = _broken(link, up, down, now)
    return LinkReading(
        connected=_connected(link, up, down, row),
        position=position,
        received=received,
        servable=_servable(up),
        lag_at_most_s=_lag_at_most_s(up, down),
        broken=broken,
        failing=failing,
        paused=positions is not None and positions.replay_paused,
        blocked=subscription is not None and is_blocked(subscription),
        waits=positions is not None and waits_for_session(positions),
        held_back=row is not None and is_held_back(row),
        apply_delay_s=_apply_delay_s(link, up, down, position),
        one_history=_one_history(link, up, down),
        seen_at=_seen_at(down),
        upstream_seen_at=_began_at(up),
        confirms_every_s=_confirms_every_s(link, up),
        unconfirmed=_confirmed_nothing(link, up, row),
    )


def _confirms_every_s(link: LinkState, up: NodeState | None) -> float:
    """Consumers of changes confirm what they have stored: each at its own pace, some once a minute."""
    if link.kind == "backup":
        return sender_timeout_s(up)
    if not link.agentless or not is_logical(link):
        return 0.0
    return min(PACES * link.pace_s, 2 * sender_timeout_s(up)) if link.pace_s else FIRST_S


def _confirmed_nothing(link: LinkState, up: NodeState | None, row: Downstream | None) -> bool:
    """Whether a consumer of changes has confirmed nothing since it connected, longer ago than a sender may wait."""
    if row is None or row.flush_lsn is not None or not link.agentless or not is_logical(link):
        return False
    return (row.connected_s or 0.0) >= sender_timeout_s(up)


def _connected(link: LinkState, up: NodeState | None, down: NodeState | None, row: Downstream | None) -> bool | None:
    """Whether the ends that answer show a connection; None when neither answers."""
    sender_side = _sender_side(link, up, row)
    if up is not None and row is not None and is_dead(up, row, down) and not may_wait(up, row, down):
        return False
    if down is None or down.sample is None or not _shows(down, "subscriptions" if is_logical(link) else "upstream"):
        return sender_side
    if is_logical(link):
        # A worker that fails to connect, or to start streaming, has a pid while it tries and has received nothing; one
        # whose sender has ended does not notice where the network lost that.
        own = subscription_of(link, down)
        if own is None or own.pid is None:
            return False
        return bool(sender_side) if own.received_lsn is None else sender_side is not False or not _is_silent(own)
    receiver = down.sample.upstream
    if receiver is None or receiver.status in NOT_STREAMING:
        return False
    if not link.connected and up is not None and _asks_again(link, up, receiver, down.sample):
        return False
    silent_s = receiver.message_age_s or 0.0
    if silent_s < SILENT_REPLY_S:
        return True
    return silent_s < keepalive_s(up) and sender_side is not False and not _is_deaf(up, down.sample)


def _asks_again(link: LinkState, up: NodeState, receiver: Upstream, sample: Sample) -> bool:
    """Whether a link that was cut is about to be cut again: by a receiver that asks for more of a timeline that its
    upstream has left, each ``wal_retrieve_retry_interval``, and gets nothing more of it."""
    theirs, positions = up.node.timeline, sample.positions
    if receiver.timeline is None or theirs is None or receiver.timeline >= theirs or positions is None:
        return False
    replayed, received = (parse_lsn(each or "0/0") for each in (positions.replayed_lsn, positions.received_lsn))
    return replayed == link.position and max(received, replayed) == link.received


def _is_silent(subscription: Subscription) -> bool:
    return (subscription.message_age_s or 0.0) >= SILENT_REPLY_S


def _shows(node: NodeState | None, group: str) -> bool:
    """Whether a node answers and its agent may read a group: only then a missing row says something."""
    return node is not None and node.answers and node.sample is not None and not hides(node.sample, group)


def _sender_side(link: LinkState, up: NodeState | None, row: Downstream | None) -> bool | None:
    """Whether the upstream serves a link; None when its senders cannot be seen, or are not distinguishable."""
    if not _shows(up, "downstreams") or (row is None and link.sender_is_unclear):
        return None
    return row is not None


def _is_deaf(up: NodeState | None, sample: Sample) -> bool:
    """Whether a receiver without recent messages lacks WAL that its upstream has.

    After a restart the received position is reported from the start of a segment until more arrives; the receiver
    certainly has what was replayed.
    """
    positions = sample.positions
    if up is None or not up.answers or positions is None or positions.received_lsn is None:
        return False
    has = max(parse_lsn(positions.received_lsn), parse_lsn(positions.replayed_lsn or "0/0"))
    return (_servable(up) or up.clock.end or 0) - has > PAGE_SLACK_BYTES


def _positions(
    link: LinkState, up: NodeState | None, down: NodeState | None, row: Downstream | None
) -> tuple[int | None, int | None]:
    if is_logical(link):
        return _logical_positions(link, up, down)
    sample = down.sample if down is not None and down.answers else None
    if sample is not None and sample.positions is not None and sample.positions.replayed_lsn is not None:
        received = sample.positions.received_lsn
        return parse_lsn(sample.positions.replayed_lsn), parse_lsn(received) if received is not None else None
    if row is not None and row.kind == "backup":
        written = row.write_lsn or row.flush_lsn
        return (parse_lsn(written), None) if written is not None else (None, None)
    if row is not None and row.replay_lsn is not None:
        return parse_lsn(row.replay_lsn), parse_lsn(row.flush_lsn) if row.flush_lsn is not None else None
    return None, None


def _logical_positions(link: LinkState, up: NodeState | None, down: NodeState | None) -> tuple[int | None, int | None]:
    applied: list[int] = []
    received = None
    if up is not None and up.answers and up.sample is not None:
        slot = slot_of(link, up)
        applied += [parse_lsn(slot.confirmed_lsn)] if slot is not None and slot.confirmed_lsn else []
    subscription = subscription_of(link, down) if down is not None and down.answers else None
    if subscription is not None:
        if subscription.latest_end_lsn is not None:
            applied.append(parse_lsn(subscription.latest_end_lsn))
        if subscription.received_lsn is not None:
            received = parse_lsn(subscription.received_lsn)
    return (max(applied), received) if applied else (None, None)


def _lag_at_most_s(up: NodeState | None, down: NodeState | None) -> float | None:
    """The age of the last commit that was replayed, by the primary's clock.

    What comes next was committed later, so the lag is no longer than this; after an idle time it is far shorter.
    """
    upstream = up.sample if up is not None and up.answers else None
    downstream = down.sample if down is not None and down.answers else None
    if upstream is None or downstream is None or downstream.positions is None:
        return None
    replayed_at = downstream.positions.last_replay_at
    return max(0.0, (upstream.at - replayed_at).total_seconds()) if replayed_at is not None else None


def _servable(up: NodeState | None) -> int | None:
    """Up to where a standby can serve its own standbys: what it has received, or got from the archive and replayed.

    None for the end of the root's WAL.
    """
    if up is None or up.node.role == "primary" or up.sample is None or up.sample.positions is None:
        return None
    positions = up.sample.positions
    return max((parse_lsn(each) for each in (positions.received_lsn, positions.replayed_lsn) if each), default=None)


def _apply_delay_s(link: LinkState, up: NodeState | None, down: NodeState | None, position: int | None) -> float:
    """Seconds that a downstream may be behind the root. One that has all that an upstream without a stream of its own
    has got from the archive is as late as that is."""
    positions = down.sample.positions if down is not None and down.answers and down.sample is not None else None
    servable = _servable(up) if is_streaming(link) and archive.feeds(up) else None
    if servable is not None and position is not None and servable - position <= archive.SEGMENT_BYTES:
        return inf
    return positions.apply_delay_s if positions is not None else 0.0


def _broken(link: LinkState, up: NodeState | None, down: NodeState | None, now: float) -> tuple[bool, bool]:
    """Whether a link cannot go on without a repair, and whether its worker fails again and again."""
    slot = slot_of(link, up) if up is not None and up.answers else None
    if link.circle or (slot is not None and slot_is_lost(slot)):
        return True, False
    if up is None or down is None or not down.answers:
        return False, False
    if not is_logical(link):
        ours, theirs = down.node.system_id, up.node.system_id
        return ours is not None and theirs is not None and ours != theirs, False
    subscription = subscription_of(link, down)
    if subscription is None:
        return False, False
    if not subscription.enabled or (slot is None and link.slot is not None and _shows(up, "slots")):
        return True, False
    if up.answers and missing_publications(link, up, subscription):
        return True, False
    return False, in_error_loop(down, subscription, now)


def _one_history(link: LinkState, up: NodeState | None, down: NodeState | None) -> bool:
    """Whether a downstream cannot have more than its upstream: both answer, and are on one timeline.

    The position of a subscription is one of its publisher's WAL, whichever server that is now.
    """
    if up is None or down is None or not up.answers or not down.answers or up.node.role != "primary":
        return False
    if is_logical(link):
        return not link.agentless and slot_of(link, up) is not None
    if not is_streaming(link):
        return False
    ours, theirs = down.node, up.node
    return ours.system_id == theirs.system_id and ours.timeline is not None and ours.timeline == theirs.timeline


def _seen_at(node: NodeState | None) -> float:
    """When the answer of the newest look had arrived at the latest, by the agent's clock, corrected if it is wrong."""
    return _arrived_at(node) + (UNSURE_S if node is not None and node.host_ahead_s else 0.0)


def _arrived_at(node: NodeState | None) -> float:
    if node is None or node.sample is None:
        return 0.0
    return node.sample.sent_at.timestamp() - node.host_ahead_s


def _began_at(node: NodeState | None) -> float:
    """When the newest look began at the earliest, by the agent's clock, corrected if it is wrong."""
    cost = node.sample.cost if node is not None and node.sample is not None else None
    unsure_s = UNSURE_S if node is not None and node.host_ahead_s else 0.0
    return _arrived_at(node) - unsure_s - (cost.statement_ms / 1000 if cost is not None else 0.0)


def note_going_back(node: NodeState, before: Sample | None, sample: Sample, now: float) -> None:
    """Note that a primary's WAL ends before where it ended at the last look; forget it after a time."""
    if node.went_back is not None and now - node.went_back.at > WENT_BACK_S:
        node.went_back = None
    if before is None or before.positions is None or sample.positions is None:
        return
    was, ends = before.positions.current_lsn, sample.positions.current_lsn
    if was is None or ends is None or before.node.system_id != sample.node.system_id:
        return
    if parse_lsn(ends) < parse_lsn(was):
        node.went_back = WentBack(now, parse_lsn(was), parse_lsn(ends))


def end_of_wal(sample: Sample, upstream_seen: bool) -> int | None:
    """The end of a node's WAL. For a standby whose upstream has no agent it is the upstream's, as the receiver reports
    it; None for other standbys."""
    positions = sample.positions
    if positions is not None and positions.current_lsn is not None:
        return parse_lsn(positions.current_lsn)
    if sample.upstream is not None and not upstream_seen and sample.upstream.latest_end_lsn is not None:
        return parse_lsn(sample.upstream.latest_end_lsn)
    return None


def feed_clock(node: NodeState, sample: Sample, now: float, end: int | None) -> None:
    """Update a node's clock with the end of its WAL, and note whether its standbys confirm what they are sent."""
    if end is not None:
        node.clock.add(now, end)
    node.unconfirmed = False
    for row in sample.downstreams:
        if is_dead(node, row):
            node.unconfirmed = True
