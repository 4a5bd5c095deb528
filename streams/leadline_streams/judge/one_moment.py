"""Links of one upstream that were cut off in one moment: one thing may have ended all of them, seen or not."""

from collections.abc import Iterable

from leadline_streams.judge.link_state import LinkState

AT_ONCE_S = 2.0
"""Two agents that look once a second see one moment this far apart."""


def cut_at_once(one: LinkState, other: LinkState) -> bool:
    """Whether two links of one upstream and kind were cut off in one moment."""
    if one.upstream != other.upstream or one.kind != other.kind:
        return False
    return bool(one.cut_at and other.cut_at) and abs(one.cut_at - other.cut_at) <= AT_ONCE_S


def beside(link: LinkState, links: Iterable[LinkState]) -> list[LinkState]:
    """The other links that were cut off in the same moment as this one, and still are."""
    return [other for other in links if other.id != link.id and not other.connected and cut_at_once(link, other)]
