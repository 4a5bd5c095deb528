"""The place at which the root of a cut is seen: the upstream, the network of a datacenter, the downstream itself.

Several links of one upstream that end close together have one problem only where the root of it is seen, or where they
were cut off in one moment and nobody can know.
"""

from collections.abc import Iterator, Sequence

from leadline.clock import epoch
from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline.model.server_log import LogLine
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.server_log import LOGIN
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext, change_in_words
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.one_moment import beside
from leadline_streams.judge.rule import fact

BEFORE_S = 5.0
"""A receiver may be seen to end this long before its upstream was started again: that had to stop first."""
AFTER_S = 60.0
CUTTING = ("listen_addresses", "max_wal_senders", "port", "ssl", "wal_sender_timeout")
"""Settings of an upstream that can end or prevent the connections of all that follow it."""


def seen_at(context: DiagnosisContext, affected: AffectedLink) -> tuple[str, list[Evidence]] | None:
    """The node or datacenter at which the root of a cut is seen, and the evidence; None where it is not seen."""
    link, up = affected.link, affected.up
    if up is None or not link.cut_at:
        return None
    started = epoch(up.node.started_at) if up.node.started_at is not None else 0.0
    if up.answers and link.cut_at - BEFORE_S <= started <= link.cut_at + AFTER_S:
        return up.name, [fact("started_at", f"{up.node.started_at:%H:%M:%S} UTC", up.name, "it was restarted")]
    refused = refusal(up, context.now)
    if refused is not None:
        return up.name, []
    change = context.changed(up, *CUTTING)
    if change is not None and abs(change.at.timestamp() - link.cut_at) <= AFTER_S:
        return up.name, change_in_words(change)[1]
    return _datacenter(context, link, up)


def _datacenter(context: DiagnosisContext, link: LinkState, up: NodeState) -> tuple[str, list[Evidence]] | None:
    """Another datacenter than the upstream's, all of whose standbys lost it while their agents read them."""
    place = _place(context, link)
    if not place or place == up.node.datacenter:
        return None
    there = [one for one in _followers(context, up) if _place(context, one) == place]
    if len(there) < 2 or any(one.connected for one in there):
        return None
    lost = " and ".join(one.downstream for one in there)
    return f"datacenter {place}", [fact("datacenter", place, None, f"{lost} lost {up.name}, and no other there has it")]


def _followers(context: DiagnosisContext, up: NodeState) -> Iterator[LinkState]:
    return (one for one in context.cluster.below(up.name) if is_streaming(one))


def _place(context: DiagnosisContext, link: LinkState) -> str:
    down = context.cluster.nodes.get(link.downstream)
    return down.node.datacenter if down is not None else ""


def refusal(up: NodeState, now: float) -> LogLine | None:
    """The upstream's newest refusal of a login for replication."""
    refused = (line for line in server_log.errors(up, now, server_log.of_sender) if line.code.startswith(LOGIN))
    return next(refused, None)


def unseen(context: DiagnosisContext, affected: AffectedLink, known: bool) -> tuple[list[NodeName], list[Evidence]]:
    """Standbys that were cut off in the same moment, and that no root of all is seen; none where one is ``known``."""
    link = affected.link
    others = sorted(one.downstream for one in beside(link, context.cluster.below(link.upstream))) if not known else []
    lost = " and ".join([link.downstream, *others])
    note = f"{lost} lost {link.upstream} in one moment; its server log or the network shows whether for one reason"
    return others, [fact("common root", "not seen", link.upstream, note)] if others else []


def also_lost(siblings: Sequence[str]) -> str:
    """The others that were cut off in the same moment."""
    if not siblings:
        return ""
    return f". {' and '.join(siblings)} lost the same server in the same moment, and no root of all of them is seen"
