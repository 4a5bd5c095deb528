"""Which rules hold for a subject, with which limits: worked out once, not once per sample."""

from functools import lru_cache
from typing import NamedTuple, get_args

from leadline.model.alert import Subject, SubjectKind
from leadline.model.ids import ClusterName
from leadline_streams.judge import subject
from leadline_streams.judge.policy import Limits, Policy, Scope
from leadline_streams.judge.rule import Look, Measure, Rule
from leadline_streams.judge.state import NodeState
from leadline_streams.rules import RULES


class Check(NamedTuple):
    """One rule with the limits that hold for a subject."""

    measure: Measure
    rule: Rule
    limits: Limits


Plan = tuple[Check, ...]
"""All checks of a subject."""


class Plans:
    """Plans of one cluster's subjects. ``clear`` when a node's labels or datacentre change."""

    __slots__ = ("_cluster", "_general", "_policy", "_special")

    def __init__(self, cluster: ClusterName, policy: Policy) -> None:
        self._cluster = cluster
        self._policy = policy
        self._general = _general(policy)
        self._special: dict[str, Plan] = {}

    def clear(self) -> None:
        """Forget what was worked out from labels and datacentres."""
        self._special.clear()

    def of(self, look: Look, owner: NodeState) -> Plan:
        """For what is looked at; ``owner`` is the node whose labels count."""
        kind = look.kind
        if not self._policy.overrides:
            return self._general[kind]
        about = subject.of_look(look)
        plan = self._special.get(about.id)
        if plan is None:
            checks = [Check(it.measure, it, self.limits(it, owner, about)) for it in RULES.values() if it.on == kind]
            plan = self._special[about.id] = tuple(check for check in checks if check.limits.enabled)
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


@lru_cache(maxsize=8)
def _general(policy: Policy) -> dict[SubjectKind, Plan]:
    """Plans where nothing is overridden: shared by all clusters that are judged by one policy."""
    anything = Scope(cluster="")
    plans: dict[SubjectKind, Plan] = {}
    for kind in get_args(SubjectKind):
        checks = [
            Check(it.measure, it, policy.limits(it.name, it.limits, anything)) for it in RULES.values() if it.on == kind
        ]
        plans[kind] = tuple(check for check in checks if check.limits.enabled)
    return plans
