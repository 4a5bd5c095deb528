"""Nodes that are gone for good are forgotten: by evidence, by time, or because a person says so.

What is forgotten is as if it had never been watched. A node that answers again is a node again.
"""

from collections.abc import Mapping

from leadline.model.ids import node_id
from leadline_streams.judge import audits
from leadline_streams.judge.alerting import Alerting, Output, key
from leadline_streams.judge.departure import SETTLE_S, Newest, departure, is_connected
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.state import Memory
from leadline_streams.judge.status import Forgotten
from leadline_streams.judge.wiring import Wiring

SWEEP_EVERY_S = 10.0
MOST_RETIRED = 1000
SEQS_LEAST, SEQS_PER_NODE = 64, 8
"""So many closed alerts are remembered, and so many more for each node."""
Why = tuple[str, str]
"""The reason to forget a node: its name, and in words."""


def sweep(
    memory: Memory, judgement: Judgement, alerting: Alerting, wiring: Wiring, now: float, out: list[Output]
) -> None:
    """Forget the nodes that are gone, and what belongs to none."""
    memory.sweep_at = now + SWEEP_EVERY_S
    newest: Newest = {}
    found = ((name, _why(memory, judgement, name, now, newest)) for name in list(memory.nodes))
    gone = {name: why for name, why in found if why is not None}
    if gone:
        retire(memory, alerting, wiring, gone, out)
        wiring.discover(memory.arrivals.horizon, out)
    policy, sources = judgement.policy, memory.arrivals.sources
    for name in [name for name in sources if name not in memory.nodes]:
        source = sources[name]
        source.offered_at = source.offered_at or now  # its clock may be wrong by years
        if now - max(source.frontier, source.offered_at) > policy.retire_after_s:
            memory.arrivals.forget(name)
    memory.retired = {name: at for name, at in memory.retired.items() if now - at <= policy.retire_after_s}
    _forget_seqs(memory)


def retire(memory: Memory, alerting: Alerting, wiring: Wiring, gone: Mapping[str, Why], out: list[Output]) -> None:
    """Forget nodes. The caller discovers links anew."""
    now, alerts = memory.arrivals.horizon, _alerts(memory, gone)
    for name, (reason, why) in gone.items():
        for alert in alerts.get(name, ()):
            if memory.alerts.get(key(alert.rule, alert.subject.id)) is alert:
                alerting.retire(alert, why, now, out)
        for link in memory.around(name):
            wiring.forget(link.id, now, out)
        node = memory.nodes.pop(name)
        audits.forget(memory, name)
        memory.arrivals.forget(name)
        memory.retired.pop(name, None)
        memory.retired[name] = node.seen
        out.append(Forgotten(node_id(memory.cluster, name), reason))
    for other in memory.nodes.values():
        if other.same_as in gone:
            other.same_as = None
    memory.changes = [change for change in memory.changes if change.node not in gone]
    for first in list(memory.retired)[:-MOST_RETIRED]:
        del memory.retired[first]
    alerting.effective.clear()


def _alerts(memory: Memory, gone: Mapping[str, Why]) -> dict[str, list[AlertState]]:
    """The alerts about nodes that are gone, by the first of them in the order of forgetting."""
    order = {name: number for number, name in enumerate(gone)}
    found: dict[str, list[AlertState]] = {}
    for alert in memory.alerts.values():
        about = alert.subject
        names = [name for name in (about.node, about.upstream, about.downstream, alert.owner) if name and name in order]
        if names:
            found.setdefault(min(names, key=order.__getitem__), []).append(alert)
    return found


def _why(memory: Memory, judgement: Judgement, name: str, now: float, newest: Newest) -> Why | None:
    """The reason to forget a node, and the reason in words; None for one that is there, or may be."""
    node = memory.nodes[name]
    source = memory.arrivals.sources.get(name)
    waits = node.stale and source is not None and source.frontier > max(node.seen, now - SETTLE_S)
    if node.answers or waits or is_connected(memory, node):
        node.left_since = None
        return None
    found = departure(memory, judgement, node, now, newest)
    if found is None:
        node.left_since = None
        return None
    if node.left_since is None:
        node.left_since = now
    if now - node.left_since < found.after_s:
        return None
    if found.successor is not None:
        found.successor.replaces = node.name
    return found.reason, found.why


def _forget_seqs(memory: Memory) -> None:
    """Forget the numbers of alerts that closed long ago; alerts after them begin above."""
    most = SEQS_LEAST + SEQS_PER_NODE * len(memory.nodes)
    for place in list(memory.seqs)[:-most]:
        memory.seq_floor = max(memory.seq_floor, memory.seqs.pop(place))
