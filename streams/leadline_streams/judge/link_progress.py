"""Progress of one link: whether it is connected, where it is, how far behind, and how that changes."""

from leadline_streams.judge.engine import LinkReading, LinkTraits
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState, WentBack
from leadline_streams.judge.position_clock import PositionClock

ANCHOR_S = 5.0
LEAD_S = 10.0
"""Clocks of two hosts differ by less. What a primary wrote over so long, it may have written since its last sample."""
PACE_KEPT = 0.9
"""Part of a longest time without a move that each further move leaves of it."""


def update(link: LinkState, now: float, reading: LinkReading, traits: LinkTraits, clock: PositionClock) -> None:
    """Bring a link up to date with a reading of its ends. What the reading does not show stays as it was."""
    _connect(link, now, reading.connected)
    position = reading.position
    if position is not None:
        if link.position is None or position != link.position:
            if link.agentless and link.position is not None:
                link.pace_s = max(now - link.moved_at, PACE_KEPT * link.pace_s)
            link.moved_at = now
        link.position = position
        link.received = max(reading.received or position, position)
    end = clock.end
    if link.position is None or end is None:
        link.lag_s = link.lag_units = link.hop_units = None
        link.lag_is_bound = False
        return
    _follow_lead(link, reading, clock, end)
    # A downstream that is looked at after its upstream shows what was written in between.
    behind = max(0, end - link.position)
    link.lag_units = behind
    if behind <= (0 if reading.waits else traits.slack):
        link.lag_s, link.lag_is_bound = 0.0, False
        # Where each commit is confirmed, behind by one small transaction is behind.
        if behind == 0 or not traits.confirms_commits:
            link.moved_at = now
    else:
        was_bound = link.lag_is_bound
        link.lag_s = clock.lag(link.position)
        link.lag_is_bound = link.position < clock.positions[0]
        if link.lag_is_bound:
            most = reading.lag_at_most_s
            link.lag_at_most_s = max(most, link.lag_s or 0.0) if most is not None else None
        elif was_bound:
            _anchor(link, now)
    servable = reading.servable if reading.servable is not None else end
    link.hop_units = max(0, servable - link.position)
    follow_trend(link, now)


def follow_loss(went: WentBack, link: LinkState, down: NodeState | None) -> bool:
    """Note whether a downstream of a server whose position went back holds the loss; True when none does any more.

    One whose own position goes back, too, was rebuilt. So was one that was started since and has got beyond what it
    held, from a server that has more: the changes that follow would not fit what it held.
    """
    if link.position is None:
        return False
    held = went.holders.get(link.downstream)
    if held is None:
        if link.position > went.after and link.created_at < went.at:
            went.holders[link.downstream] = link.position
    elif 0 <= link.position < held or (0 <= held < link.position and _is_new(went, link, down)):
        went.holders[link.downstream] = -1
    return bool(went.holders) and max(went.holders.values()) < 0


def _is_new(went: WentBack, link: LinkState, down: NodeState | None) -> bool:
    """Whether a downstream that gets changes was started after its upstream had lost some, and has no more."""
    started_at = down.node.started_at if down is not None and down.answers else None
    return link.connected and not link.lead_units and started_at is not None and started_at.timestamp() > went.at


def _follow_lead(link: LinkState, reading: LinkReading, clock: PositionClock, end: int) -> None:
    """Note whether the downstream holds more than its upstream, which was looked at later and had less."""
    assert link.position is not None
    surplus = link.position - end
    if not reading.one_history or clock.has_written(surplus, LEAD_S):
        link.lead, link.lead_units = None, 0
        return
    if link.lead is None or end >= link.lead:
        link.lead, link.lead_at = link.position, reading.seen_at
    link.lead_units = surplus if reading.upstream_seen_at > link.lead_at else 0


def outstanding(link: LinkState, slack: int) -> bool:
    """Whether the downstream has received what it has not applied."""
    return link.position is not None and link.received is not None and link.received - link.position > slack


def _connect(link: LinkState, now: float, connected: bool | None) -> None:
    if connected is None:
        return
    if connected:
        link.cut_since = None
    elif link.cut_since is None:
        link.cut_since = link.cut_at = now
    link.connected = connected


def follow_trend(link: LinkState, now: float) -> None:
    """Note how the lag grows: now, or when the last note is old enough."""
    elapsed = now - link.anchor_at
    if elapsed >= ANCHOR_S:
        lag_s, lag_units = link.lag_s or 0.0, link.lag_units or 0
        if elapsed < 12 * ANCHOR_S:
            # A bound grows with the time since the first sample, however the lag itself moves.
            link.growth_s = (lag_s - link.anchor_s) / elapsed if not link.lag_is_bound else None
            link.growth_units = (lag_units - link.anchor_units) / elapsed
        else:
            link.growth_s = link.growth_units = None
        link.anchor_at, link.anchor_s, link.anchor_units = now, lag_s, lag_units


def _anchor(link: LinkState, now: float) -> None:
    """Begin the trend again: what was noted before was a bound."""
    link.anchor_at, link.anchor_s, link.anchor_units = now, link.lag_s or 0.0, link.lag_units or 0
    link.growth_s = None
