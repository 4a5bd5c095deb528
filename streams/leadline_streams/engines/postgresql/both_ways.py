"""Two servers that subscribe to each other: whether changes of the same rows can have crossed.

The server counts a row of another origin whenever a change from elsewhere meets it, also when the two changes were an
hour apart. Changes cross only while neither server has the other's: when both subscriptions were interrupted.
"""

from leadline_streams.engines.postgresql.apply import ORIGINS
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.judge.rule import ClusterView
from leadline_streams.judge.state import NodeState

CATCHES_UP_S = 30.0
"""After an interruption that ended this long ago, rows of another origin are usual again."""


def publishers_back(cluster: ClusterView, node: NodeState, subscription: str) -> list[tuple[NodeState, str]]:
    """The publishers of a subscription that subscribe to its node in turn, each with that subscription."""
    subscribed = (link for link in cluster.above(node.name) if is_logical(link) and link.name == subscription)
    publishers = {link.upstream for link in subscribed}
    found = []
    for back in cluster.below(node.name) if publishers else ():
        publisher = cluster.nodes.get(back.downstream)
        if is_logical(back) and publisher is not None and publisher.name in publishers:
            found.append((publisher, back.name))
    return found


def records_origins(node: NodeState) -> bool | None:
    """Whether a server records which server wrote a row; None where its settings are not known."""
    setting = node.settings.get("track_commit_timestamp")
    return setting.value == "on" if setting is not None else None


def may_have_crossed(one: NodeState, ours: str, other: NodeState, theirs: str, now: float) -> bool:
    """Whether both subscriptions met rows of another origin just after both were interrupted at once."""
    ends = ((one, ours), (other, theirs))
    interrupted = [node.interrupted.get(name) for node, name in ends]
    met = [_met_at(node, name, now) for node, name in ends]
    at = [each for each in interrupted if each is not None]
    if len(at) < 2 or None in met or abs(at[0] - at[1]) > CATCHES_UP_S:
        return False
    return all(when is not None and -1.0 <= when - begun <= CATCHES_UP_S for when, begun in zip(met, at, strict=True))


def _met_at(node: NodeState, subscription: str, now: float) -> float | None:
    """When a subscription last met a row of another origin, within the window of the counters."""
    windows = (node.windows.get(f"apply_conflict:{subscription}:{kind}") for kind in sorted(ORIGINS))
    times = [window.last_at for window in windows if window is not None and window.count(now)]
    return max(times, default=None)
