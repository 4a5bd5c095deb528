"""The rules that hold for a subject, with their limits: worked out once, not once per sample."""

from leadline.model.alert import Subject
from leadline.model.ids import ClusterName
from leadline_streams.judge.judgement import Judgement, Plan, standing
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits, Scope
from leadline_streams.judge.rule import ClusterContext, RuleBase


class EffectiveRules:
    """The checks of one cluster's subjects. ``clear`` when a node's labels or datacenter change."""

    __slots__ = ("_cluster", "_judgement", "_special")

    def __init__(self, cluster: ClusterName, judgement: Judgement) -> None:
        self._cluster = cluster
        self._judgement = judgement
        self._special: dict[str, Plan] = {}

    def clear(self) -> None:
        """Forget what was worked out from labels and datacenters."""
        self._special.clear()

    def of(self, context: ClusterContext, owner: NodeState) -> Plan:
        """The checks of a context's subject; ``owner`` is the node whose labels count."""
        kind = context.kind
        if not self._judgement.policy.overrides:
            return self._judgement.general[kind]
        about = context.subject
        plan = self._special.get(about.id)
        if plan is None:
            rules = (rule for rule in self._judgement.rules.values() if rule.on.kind == kind)
            checks = (self._judgement.check(rule, self.limits(rule, owner, about)) for rule in rules)
            plan = self._special[about.id] = tuple(check for check in checks if self._judgement.is_measured(check))
        return plan

    def standing(self, context: ClusterContext, owner: NodeState) -> Plan:
        """Those of them whose rules are standing."""
        if not self._judgement.policy.overrides:
            return self._judgement.standing[context.kind]
        return standing(self.of(context, owner))

    def limits(self, rule: RuleBase, owner: NodeState | None, about: Subject) -> Limits:
        """A rule's limits for one subject. ``owner`` is the node whose labels count, None where there is none."""
        return self._judgement.policy.limits(rule.name, rule.limits, self.scope(owner, about))

    def scope(self, owner: NodeState | None, about: Subject) -> Scope:
        """The properties of a subject that overrides match; ``owner`` as above."""
        ends = tuple(end for end in (about.upstream, about.downstream, about.node) if end is not None)
        return Scope(
            cluster=self._cluster,
            datacenter=owner.node.datacenter if owner is not None else "",
            nodes=ends or ((owner.name,) if owner is not None else ("",)),
            link=about.id if about.kind == "link" else "",
            labels=owner.node.labels if owner is not None else {},
        )
