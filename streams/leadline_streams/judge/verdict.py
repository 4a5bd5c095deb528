"""The verdict on a link: one word for its present state, judged from both ends."""

from leadline.model.alert import Verdict
from leadline_streams.judge.engine import LinkReading, LinkTraits
from leadline_streams.judge.link_progress import outstanding
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.position_clock import PositionClock

STALLED_S = 4.0
"""Received and not applied for this long is a stall; replay of one record takes less."""
IDLE_S = 10.0
DELAY_SLACK_S = 5.0


def judge(
    link: LinkState,
    now: float,
    up: NodeState | None,
    down: NodeState | None,
    reading: LinkReading,
    traits: LinkTraits,
    clock: PositionClock,
) -> Verdict:
    """The verdict. Order matters: broken, then not connected, then how it moves."""
    if (up is None or not up.answers) and (down is None or not down.answers):
        return _unreachable(up, down) or "unknown"
    still = now - link.moved_at >= STALLED_S
    if reading.broken or (reading.failing and still):
        return "broken"
    if not link.connected:
        return _unreachable(up, down) or "cut_off"
    if reading.paused:
        return "replay_paused"
    if reading.blocked or ((reading.held_back or reading.waits) and still):
        return "replay_stalled"
    if link.lag_s is None:
        return "unknown"
    if link.lag_units == 0 or (link.lag_s == 0.0 and not link.lag_is_bound):
        return caught_up(clock)
    if reading.apply_delay_s > 0 and link.lag_s <= reading.apply_delay_s + DELAY_SLACK_S:
        return "delayed_by_design"
    waits_s = 0.0 if reading.unconfirmed else reading.confirms_every_s
    behind_s = max(traits.behind_s, waits_s)
    late = reading.unconfirmed or link.lag_s >= behind_s
    if still and (traits.confirms_commits or outstanding(link, traits.slack)):
        return "replay_stalled" if late or not traits.confirms_commits else "healthy"
    if link.lag_is_bound and not waits_s:
        return _within_bounds(link, now, behind_s)
    if not late:
        return "healthy"
    return "catching_up" if (link.growth_s or 0.0) < 0.0 else "falling_behind"


def _within_bounds(link: LinkState, now: float, behind_s: float) -> Verdict:
    """The verdict while the lag is known within bounds only: by the upper bound, and by the amount that is behind."""
    if link.lag_at_most_s is not None and link.lag_at_most_s < behind_s:
        return "healthy"
    closing = link.growth_units < 0.0 if link.growth_units is not None else link.moved_at == now
    return "catching_up" if closing else "falling_behind"


def caught_up(clock: PositionClock) -> Verdict:
    """The verdict on a link that has all there is."""
    return "healthy" if clock.moved_within(IDLE_S) else "idle"


def _unreachable(up: NodeState | None, down: NodeState | None) -> Verdict | None:
    """An end that its agent cannot read."""
    if up is not None and up.down:
        return "upstream_unreachable"
    if down is not None and down.down:
        return "downstream_unreachable"
    return None
