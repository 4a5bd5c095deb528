"""The reason for a verdict in words, from the numbers that it was judged by. The order is that of ``judge.verdict``."""

from leadline.model.alert import Verdict
from leadline.words import amount, duration
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.verdict import IDLE_S, STALLED_S


def reason(verdict: Verdict, link: LinkState, reading: LinkReading, now: float) -> str:
    """The reason for the verdict on a link at ``now``, in event time in seconds."""
    still = duration(max(0.0, now - link.moved_at))
    match verdict:
        case "unknown":
            return _unknown(link)
        case "broken":
            return "it cannot go on without a repair" if reading.broken else f"it fails again and again, still {still}"
        case "cut_off":
            since = f" since {duration(now - link.cut_since)}" if link.cut_since is not None else ""
            return f"no end shows a connection{since}"
        case "upstream_unreachable":
            return f"the agent of {link.upstream} cannot read it, and the link does not stream"
        case "downstream_unreachable":
            return f"the agent of {link.downstream} cannot read it, and the link does not stream"
        case "replay_paused":
            return f"{link.downstream} says that its replay is paused"
        case "replay_stalled":
            return _stalled(link, reading, still)
        case "delayed_by_design":
            return f"{_lag(link)}, within its configured delay of {duration(reading.apply_delay_s)}"
        case "idle":
            return f"{link.downstream} has everything, and nothing was written for {duration(IDLE_S)}"
        case "healthy":
            return "it has everything" if link.lag_units == 0 else f"{_lag(link)}, which is not late"
        case "catching_up":
            return f"{_lag(link)}, and it falls{_pace(link)}"
        case "falling_behind":
            return f"{_lag(link)}, and it does not fall{_pace(link)}"


def _unknown(link: LinkState) -> str:
    if link.lag_s is None and link.connected:
        return "it streams, and no lag can be computed yet: no position of the primary is known for what it has"
    return "neither end can be read"


def _stalled(link: LinkState, reading: LinkReading, still: str) -> str:
    if reading.blocked:
        return f"replay waits for a lock that a session on {link.downstream} holds"
    if reading.held_back:
        return f"the sender holds back what it could send, and nothing moved for {still}"
    if reading.waits:
        return f"applying waits for a session, and nothing moved for {still}"
    return f"{_lag(link)}, and nothing was applied for {still}; {duration(STALLED_S)} make a stall"


def _lag(link: LinkState) -> str:
    behind = f", {amount(link.lag_units, link.unit)}" if link.lag_units is not None else ""
    if link.lag_is_bound:
        least, most = duration(link.lag_s), duration(link.lag_at_most_s)
        return f"it is between {least} and {most} behind{behind}" if most != "-" else f"at least {least} behind{behind}"
    return f"it is {duration(link.lag_s)} behind{behind}" if link.lag_s is not None else "its lag is not known"


def _pace(link: LinkState) -> str:
    if link.growth_s is None:
        return ""
    return f" ({link.growth_s:+.2f} s each second)"
