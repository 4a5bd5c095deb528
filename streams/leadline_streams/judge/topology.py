"""The alerts that a subject can bring about, by who follows whom in a cluster."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from leadline.catalogue import RULES
from leadline.catalogue.entry import LATE
from leadline.model.alert import Subject
from leadline.model.ids import NodeName, node_id, thing_id
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.rule import ClusterView

SAME, ON_IT, BESIDE, ABOVE, BELOW = range(5)
"""Distance of an alert: about the same subject; on it, or at the same link; at one of its ends; on a node that waits
for it; behind it in a chain."""
WAITS_BELOW: Final = frozenset(entry.code for entry in RULES.values() if entry.waits_below)

Reached = dict[str, int]
"""The distance of each alert, by its place in the memory."""
Rules = frozenset[str] | None
"""The rules that count; None for all."""
Target = tuple[str, int, Rules]
"""The identity of a subject, its distance, and the rules of it that count."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The subjects that something wrong can bring about, whether they have an open alert or not."""

    targets: Mapping[str, Rules]
    """By identity, the rules of each."""
    on: Container[str]
    """Nodes whose slots and subscriptions all count."""

    def covers(self, about: Subject, rule: str) -> bool:
        """Whether a rule about a subject is among it."""
        if about.kind in ("slot", "subscription") and about.node in self.on:
            return True
        rules = self.targets.get(about.id, frozenset())
        return rules is None or rule in rules


class Topology:
    """The links of a cluster and the alerts about them, as of one moment."""

    def __init__(self, cluster: ClusterView, alerts: Mapping[str, AlertState]) -> None:
        self._cluster = cluster.cluster
        self._links = cluster.links
        self._above: dict[str, list[LinkState]] = {}
        self._below: dict[str, list[LinkState]] = {}
        self._by_slot: dict[tuple[str, str], LinkState] = {}
        self._by_name: dict[tuple[str, str], LinkState] = {}
        for link in cluster.links.values():
            self._above.setdefault(link.downstream, []).append(link)
            self._below.setdefault(link.upstream, []).append(link)
            if link.slot is not None:
                self._by_slot[link.upstream, link.slot] = link
            if link.name:
                self._by_name[link.downstream, link.name] = link
        self._on: dict[str, list[tuple[str, AlertState]]] = {}
        """Alerts about slots and subscriptions of a node."""
        self._about: dict[str, list[tuple[str, AlertState]]] = {}
        for place, alert in alerts.items():
            self._about.setdefault(alert.subject.id, []).append((place, alert))
            if alert.subject.kind in ("slot", "subscription") and alert.subject.node is not None:
                self._on.setdefault(alert.subject.node, []).append((place, alert))

    def reached(self, about: Subject, explains: Rules = None, nodes: Iterable[str] = ()) -> Reached:
        """The alerts that something wrong with a subject can bring about.

        ``explains``: the rules that it can make fire, None for any. ``nodes``: those that it is about where the
        subject is the whole cluster.
        """
        found: Reached = {}

        def add(alerts: Iterable[tuple[str, AlertState]], near: int, rules: Rules) -> None:
            for place, alert in alerts:
                if (rules is None or alert.rule in rules) and (explains is None or alert.rule in explains):
                    found[place] = min(near, found.get(place, near))

        for ident, near, rules in self._targets(about, nodes):
            add(self._about.get(ident, ()), near, rules)
        for node in nodes if about.kind == "cluster" else [about.node] if about.kind == "node" else []:
            add(self._on.get(node or "", ()), ON_IT, None)
        return found

    def reach_of(self, about: Subject, nodes: Iterable[str] = ()) -> Reach:
        """The subjects about which something wrong with a subject can make rules fire."""
        on = set(nodes) if about.kind == "cluster" else {about.node or ""} if about.kind == "node" else set()
        targets: dict[str, Rules] = {}
        for ident, _, rules in self._targets(about, nodes):
            known = targets.get(ident, frozenset())
            targets[ident] = None if rules is None or known is None else known | rules
        return Reach(targets, on)

    def link_of(self, about: Subject) -> LinkState | None:
        """The link that a subject is or belongs to; None when there is none, or none any more."""
        if about.kind == "link":
            return self._links.get(about.id)
        place = (about.node or "", about.name or "")
        if about.kind == "slot":
            return self._by_slot.get(place)
        return self._by_name.get(place) if about.kind == "subscription" else None

    def ends_of(self, about: Subject) -> tuple[str | None, str | None]:
        """The upstream and the downstream of a subject's link; a node is the upstream of those that follow it."""
        link = self.link_of(about)
        if link is not None:
            return link.upstream, link.downstream
        if about.kind == "subscription":
            return None, about.node
        return about.upstream or about.node, about.downstream

    def nodes_of(self, about: Subject) -> set[str]:
        """The nodes that a subject is or is on, and both ends of its link."""
        return {node for node in (about.node, *self.ends_of(about)) if node is not None}

    def _targets(self, about: Subject, nodes: Iterable[str]) -> Iterator[Target]:
        yield about.id, SAME, None
        if about.kind == "cluster":
            for node in nodes:
                yield node_id(self._cluster, node), ON_IT, None
                yield from self._around(node)
            return
        if about.kind == "node":
            yield from self._around(about.node or "")
            return
        if about.node is not None:
            yield node_id(self._cluster, about.node), BESIDE, None
        link = self.link_of(about)
        if link is not None:
            yield from self._at(link, ON_IT)
            yield node_id(self._cluster, link.downstream), BESIDE, None
            yield node_id(self._cluster, link.upstream), ABOVE, WAITS_BELOW
            yield from self._behind(link.downstream)

    def _around(self, node: str) -> Iterator[Target]:
        for link in self._above.get(node, ()):
            yield from self._at(link, BESIDE)
            yield node_id(self._cluster, link.upstream), ABOVE, WAITS_BELOW
        for link in self._below.get(node, ()):
            yield from self._at(link, BESIDE)
        yield from self._behind(node)

    def _at(self, link: LinkState, near: int) -> Iterator[Target]:
        """A link, its slot and its subscription."""
        yield link.id, near, None
        if link.slot is not None:
            yield thing_id(self._cluster, link.upstream, "slot", link.slot), near, None
        if link.name:
            yield thing_id(self._cluster, link.downstream, "subscription", link.name), near, None

    def _behind(self, node: str) -> Iterator[Target]:
        """Everything further down: it is only late by what is wrong above."""
        seen: set[str] = {node}
        waiting: list[NodeName] = [link.downstream for link in self._below.get(node, ())]
        for link in self._below.get(node, ()):
            yield link.id, BELOW, LATE
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for link in self._below.get(name, ()):
                yield link.id, BELOW, LATE
                waiting.append(link.downstream)
