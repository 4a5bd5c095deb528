"""Write rate of a primary and throughput of its links, now and before an incident began."""

from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState

NOW_S = 10.0
USUAL_S = 600.0


def written(node: NodeState) -> float | None:
    """Units a second that a primary writes now; None when that is not known."""
    return node.clock.rate(NOW_S)


def usual(context: DiagnosisContext, node: NodeState) -> float | None:
    """Units a second that it wrote in the ten minutes before; None when no agent was reading.

    Until the incident's first alert: what caused that is not usual, however long it lasts.
    """
    return node.clock.rate(USUAL_S, before_s=context.now - context.opened_at + NOW_S)


def plenty(context: DiagnosisContext, node: NodeState, link: LinkState) -> float | None:
    """Units a second that arrive at the end of a link, when that is clearly more than usual.

    Such a link is no slower than it was, however late it is. None when it is not so, or not known.
    """
    now, before = written(node), usual(context, node)
    if now is None or before is None:
        return None
    carried = now - (link.growth_units or 0.0)
    return carried if carried > 2 * before > 0 else None
