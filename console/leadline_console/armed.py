"""Which rules are armed in a cluster, and which are blind, where and why. Pure.

It is read from the status, the alerts, and the records of audits and verifications.

A rule is blind about a server while what it measures there is not seen. It then neither fires nor resolves.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from leadline.catalogue import RULES
from leadline.lines import REFUSED
from leadline.model.alert import Transition
from leadline.model.status import NodeStatus
from leadline_console.read_model import ReadModel

NOT_SEEN: Final = "not_seen"
SEES_ABOUT: Final[Mapping[str, frozenset[str]]] = {
    "downstreams": frozenset({"link", "node"}),
    "upstream": frozenset({"link", "node"}),
    "slots": frozenset({"slot"}),
    "subscriptions": frozenset({"subscription", "link", "table"}),
    "activity": frozenset({"node", "link"}),
    "settings": frozenset({"node", "setting"}),
}
"""By group of a sample, the kinds of subjects whose rules may need it."""
ALWAYS: Final = frozenset(
    {
        "agent_silent",
        "node_down",
        "primary_lost",
        "datacenter_lost",
        "sink_failing",
        "judgement_failing",
        NOT_SEEN,
        REFUSED,
    }
)
"""Rules that measure just that something is not there, or not seen."""
AUDITED: Final = frozenset({"audit_finding", "audit_advice"})
COMPARED: Final = frozenset({"checker_blind", "consistency_unverified", "data_divergence", "sequence_behind"})
"""Rules whose values the audit and the verifier report."""


class BlindSpot(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not seen in a cluster."""

    node: str
    """Empty where it is about the cluster as a whole."""
    why: str
    """The reason; where it is known, with what changes it."""
    rules: list[str]
    """The rules that may be blind by it."""


def blind_spots(model: ReadModel, cluster: str) -> list[BlindSpot]:
    """The parts that are not seen in a cluster, by server; then those that nobody reports."""
    return _blind_spots(
        cluster,
        [each for each in model.nodes.values() if each.cluster == cluster],
        [each for each in model.alerts.values() if each.cluster == cluster],
        cluster in model.audits,
        any(each.cluster == cluster for each in model.verifications.values()),
    )


def every_blind_spot(model: ReadModel) -> dict[str, list[BlindSpot]]:
    """The same of every cluster that has a server."""
    nodes: dict[str, list[NodeStatus]] = {}
    alerts: dict[str, list[Transition]] = {}
    for node in model.nodes.values():
        nodes.setdefault(node.cluster, []).append(node)
    for alert in model.alerts.values():
        alerts.setdefault(alert.cluster, []).append(alert)
    compared = {each.cluster for each in model.verifications.values()}
    return {
        cluster: _blind_spots(cluster, there, alerts.get(cluster, []), cluster in model.audits, cluster in compared)
        for cluster, there in sorted(nodes.items())
    }


def _blind_spots(
    cluster: str, nodes: Iterable[NodeStatus], alerts: list[Transition], audited: bool, compared: bool
) -> list[BlindSpot]:
    found = [spot for node in sorted(nodes, key=lambda each: each.node) for spot in _of_node(node, alerts)]
    failing = [each for each in alerts if each.rule == "judgement_failing" and each.to in ("firing", "unknown")]
    found += [BlindSpot(node="", why=each.summary, rules=_measured()) for each in failing[:1]]
    if not audited:
        why = "no audit of it is on record: the worker makes one a day, and its agents send looks, unless switched off"
        found.append(BlindSpot(node="", why=why, rules=sorted(AUDITED & set(RULES))))
    if not compared:
        why = "the data of its links was never compared; configure `leadline verify` for it"
        found.append(BlindSpot(node="", why=why, rules=sorted(COMPARED & set(RULES))))
    return found


def _of_node(node: NodeStatus, alerts: Iterable[Transition]) -> Iterator[BlindSpot]:
    if node.health != "up":
        unread = _UNREAD[node.health]
        more = f": {node.note}" if node.note and node.note != unread else ""
        yield BlindSpot(node=node.node, why=unread + more, rules=_measured())
        return
    mine = [each for each in alerts if each.subject.node == node.node and each.to in ("firing", "pending")]
    refused = [each for each in mine if each.rule == REFUSED]
    hidden = {fact.value.partition(".")[0] for each in mine if each.rule == NOT_SEEN for fact in each.evidence}
    if node.blind is not None:
        yield BlindSpot(node=node.node, why=node.blind, rules=_needing(hidden or SEES_ABOUT))
    for each in refused:
        yield BlindSpot(node=node.node, why=each.summary, rules=_needing(fact.value for fact in each.evidence))


_UNREAD: Final = {
    "down": "it does not answer",
    "refused": "it refuses its agent",
    "not_ready": "it accepts no connections",
    "unseen": "its agent does not reach it",
    "silent": "its agent does not report",
}


def _measured() -> list[str]:
    """Every rule that is measured by looking at a server."""
    return [code for code in RULES if code not in ALWAYS | AUDITED | COMPARED]


def _needing(groups: Iterable[str]) -> list[str]:
    """The rules that may need one of these groups of a sample."""
    kinds = frozenset[str]().union(*(SEES_ABOUT.get(group, frozenset()) for group in groups))
    return [code for code in _measured() if RULES[code].on in kinds]
