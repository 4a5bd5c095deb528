"""Whether anything may need what a destructive step discards: a slot, the data of a standby, a remote transaction.

What was not seen counts as a need: a server that does not answer, or hides the part of it that would show one. Each
fact that is returned is the evidence without which the step is not proposed.
"""

from collections.abc import Iterable

from leadline.model.alert import Evidence
from leadline_streams.engines.postgresql.apply import AffectedSubscription
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView, fact


def not_needed(what: str, node: str | None, why: str) -> Evidence:
    """The evidence for a destructive step: what it discards, and what shows that nothing needs it."""
    return fact("not_needed", what, node, why)


def shows(node: NodeState, *groups: str) -> bool:
    """Whether a server answers and shows these groups of a sample, so that no row is a sign."""
    return node.answers and node.sample is not None and not any(hides(node.sample, group) for group in groups)


def blind_spots(cluster: ClusterView, groups: Iterable[str], but: Iterable[str] = ()) -> list[str]:
    """The servers of a cluster that do not answer, or do not show one of these groups."""
    return sorted(node.name for node in cluster.nodes.values() if node.name not in but and not shows(node, *groups))


def data_of_standby(context: DiagnosisContext, affected: AffectedLink) -> list[Evidence]:
    """That a standby has no data of its own and that nothing follows it: it may be built again."""
    up, down, link = affected.up, affected.down, affected.link
    if up is None or down is None or link.connected or down.takes_writes or not up.answers:
        return []
    if blind_spots(context.cluster, ("downstreams", "upstream")) or _serves(context, down):
        return []
    same = (up.node.system_id, up.node.timeline) == (down.node.system_id, down.node.timeline)
    if not same or up.node.timeline is None or up.clock.end is None or link.position is None:
        return []
    if link.position > up.clock.end or context.setting(down, "restore_command") != "":
        return []
    ends = f"the WAL of {up.name} goes on to {format_lsn(up.clock.end)}, that of {down.name} to "
    why = f"{ends}{format_lsn(link.position)} of the same timeline; it has no restore_command, and nothing follows it"
    return [not_needed(f"the data of {down.name}", down.name, why)]


def fork_of_standby(context: DiagnosisContext, affected: AffectedLink) -> list[Evidence]:
    """That only the upstream of a standby with another history takes writes, and that nothing follows the standby."""
    up, down = affected.up, affected.down
    if up is None or down is None or down.takes_writes or affected.link.connected:
        return []
    if blind_spots(context.cluster, ("downstreams", "upstream")) or _serves(context, down):
        return []
    writers = [node.name for node in context.nodes if node.writable and node.node.system_id == down.node.system_id]
    if writers != [up.name]:
        return []
    return [not_needed(f"the history of {down.name}", down.name, f"only {up.name} takes writes; nothing follows it")]


def remote_transaction(affected: AffectedSubscription) -> list[Evidence]:
    """That the rows of a transaction that is skipped can be copied from their publisher."""
    if affected.publisher is None or affected.link is None or affected.link.candidates:
        return []
    up = affected.publisher.name
    return [not_needed("the copy of the transaction", up, f"{up} answers and has its rows: they can be copied from it")]


def _serves(context: DiagnosisContext, node: NodeState) -> bool:
    """Whether something follows a server, or receives for it."""
    sample = node.sample
    receives = sample is None or (sample.upstream is not None and sample.upstream.status == "streaming")
    return receives or bool(context.cluster.below(node.name)) or (sample is not None and bool(sample.downstreams))
