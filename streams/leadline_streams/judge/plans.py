"""Which rules hold for a subject, with which limits: worked out once per subject, not once per sample."""

from typing import NamedTuple

from leadline.model.alert import Subject
from leadline.model.ids import AlertId, ClusterName, NodeName, alert_id
from leadline_streams.judge import subject
from leadline_streams.judge.memory import LinkState, NodeState
from leadline_streams.judge.policy import Limits, Policy, Scope
from leadline_streams.judge.rule import Measure, Rule
from leadline_streams.rules import RULES


class Check(NamedTuple):
    """One rule for one subject."""

    measure: Measure
    rule: Rule
    limits: Limits
    alert: AlertId


class Plan(NamedTuple):
    """All rules for one subject."""

    about: Subject
    checks: tuple[Check, ...]


class Plans:
    """Plans by subject, made when first asked for. ``clear`` when a node's labels or datacenter change."""

    def __init__(self, cluster: ClusterName, policy: Policy) -> None:
        self._cluster = cluster
        self._policy = policy
        self._nodes: dict[NodeName, Plan] = {}
        self._links: dict[str, Plan] = {}
        self._slots: dict[tuple[NodeName, str], Plan] = {}
        self._subscriptions: dict[tuple[NodeName, str], Plan] = {}
        self._whole: dict[NodeName, Plan] = {}

    def clear(self) -> None:
        """Forget all plans."""
        for plans in (self._nodes, self._links, self._slots, self._subscriptions, self._whole):
            plans.clear()

    def of_node(self, node: NodeState) -> Plan:
        """For a node."""
        plan = self._nodes.get(node.name)
        if plan is None:
            plan = self._nodes[node.name] = self._make(subject.of_node(self._cluster, node.name), node)
        return plan

    def of_link(self, link: LinkState, owner: NodeState) -> Plan:
        """For a link; ``owner`` is the end whose labels count."""
        plan = self._links.get(link.id)
        if plan is None:
            plan = self._links[link.id] = self._make(subject.of_link(link), owner)
        return plan

    def of_slot(self, node: NodeState, name: str) -> Plan:
        """For a replication slot."""
        key = (node.name, name)
        plan = self._slots.get(key)
        if plan is None:
            plan = self._slots[key] = self._make(subject.of_slot(self._cluster, node.name, name), node)
        return plan

    def of_subscription(self, node: NodeState, name: str) -> Plan:
        """For a subscription."""
        key = (node.name, name)
        plan = self._subscriptions.get(key)
        if plan is None:
            about = subject.of_subscription(self._cluster, node.name, name)
            plan = self._subscriptions[key] = self._make(about, node)
        return plan

    def of_cluster(self, node: NodeState) -> Plan:
        """For the whole cluster, as asked by one of its nodes."""
        plan = self._whole.get(node.name)
        if plan is None:
            plan = self._whole[node.name] = self._make(subject.of_cluster(self._cluster), node)
        return plan

    def limits(self, rule: Rule, owner: NodeState, about: Subject) -> Limits:
        """A rule's limits for one subject."""
        ends = tuple(end for end in (about.upstream, about.downstream, about.node) if end is not None)
        scope = Scope(
            cluster=self._cluster,
            datacenter=owner.node.datacenter,
            nodes=ends or (owner.name,),
            link=about.id if about.kind == "link" else "",
            labels=owner.node.labels,
        )
        return self._policy.limits(rule.name, rule.limits, scope)

    def _make(self, about: Subject, owner: NodeState) -> Plan:
        checks = []
        for rule in RULES.values():
            if rule.on == about.kind:
                limits = self.limits(rule, owner, about)
                if limits.enabled:
                    checks.append(Check(rule.measure, rule, limits, alert_id(rule.name, self._cluster, about.id)))
        return Plan(about, tuple(checks))
