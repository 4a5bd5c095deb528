"""How fast a primary writes and its links carry, now and before an incident began."""

from leadline_streams.judge.diagnosis.ranking import Case
from leadline_streams.judge.state import LinkState, NodeState

NOW_S = 10.0
USUAL_S = 600.0


def written(node: NodeState) -> float | None:
    """Bytes of log a second that a primary writes now; None when that is not known."""
    return node.clock.rate(NOW_S)


def usual(case: Case, node: NodeState) -> float | None:
    """Bytes a second that it wrote in the ten minutes before; None when nobody looked.

    Until the incident's first alert: what made it is not usual, however long it lasts.
    """
    return node.clock.rate(USUAL_S, before_s=case.now - case.opened_at + NOW_S)


def plenty(case: Case, node: NodeState, link: LinkState) -> float | None:
    """Bytes a second of a primary's log that arrive at the end of a link, when that is clearly more than ever had to.

    Late or not, such a link is as good as it was. None when it is not, or that is not known.
    """
    now, before = written(node), usual(case, node)
    if now is None or before is None:
        return None
    carried = now - (link.growth_bytes or 0.0)
    return carried if carried > 2 * before > 0 else None
