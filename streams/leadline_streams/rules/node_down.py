"""``node_down``: an agent cannot read its server."""

from collections.abc import Callable
from typing import Final

from leadline.words import duration
from leadline_streams.engines.postgresql.witnesses import in_words, witnesses
from leadline_streams.judge.node_state import Reach
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact

MAY_RUN_S: Final = 30.0
"""The most that is measured for a server that answers, or from which others still receive: it may run."""

_WORDS: Final[dict[Reach, Callable[[str, str], str]]] = {
    "gone": lambda server, time: f"{server} has not answered for {time}",
    "hangs": lambda server, time: f"{server} has not answered for {time}",
    "not_ready": lambda server, time: f"{server} answers and has accepted no connection for {time}",
    "locked_out": lambda server, time: f"{server} answers and has refused its agent for {time}",
    "unseen": lambda server, time: f"{server} has not been seen by its agent for {time}",
}


def measure(context: NodeContext) -> float | None:
    """Seconds since the server last answered its agent; unknown when the agent is silent too."""
    node = context.node
    if node.up:
        return None
    if node.stale or node.down_since is None:
        return UNKNOWN
    down_s = context.now - node.down_since
    if node.reach in ("locked_out", "unseen") or witnesses(context.cluster, node, context.now):
        return min(down_s, MAY_RUN_S)
    return down_s


def describe(context: NodeContext, value: float) -> Words:
    """The reason that the agent reports, and who still receives from the server."""
    node = context.node
    role = node.node.role if node.node.role != "unknown" else "server"
    down_s = context.now - node.down_since if node.down_since is not None else value
    others = witnesses(context.cluster, node, context.now)
    still = f" ({in_words(others)})" if others else ""
    state = _WORDS[node.reach](f"{role} {node.name}", duration(down_s))
    return Words(
        f"{state}{still}: {node.error or 'no reason given'}",
        [
            fact("error", node.error or "none", node.name),
            fact("address", f"{node.node.host}:{node.node.port}", node.name),
            fact("last_role", node.node.role, node.name),
            *(each.evidence for each in others),
        ],
    )


RULE = Rule(
    name="node_down",
    on=NodeContext,
    # A planned restart takes less than 30 s.
    limits=Limits(warning=0.0, critical=60.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)
