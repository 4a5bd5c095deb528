"""Everything that clusters are judged by: engines, rules, causes and the policy. One place composes it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, get_args

from leadline.model.alert import SubjectKind
from leadline_streams.judge.auditor import Auditor
from leadline_streams.judge.diagnosis.ranking import CauseRule
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits, Policy, Scope
from leadline_streams.judge.rule import AnyRule, ClusterContext, Measure, RuleBase
from leadline_streams.judge.state import STANDING
from leadline_streams.judge.tracer import Tracer


class Check(NamedTuple):
    """One rule with the limits that hold for a subject."""

    measure: Measure[ClusterContext]
    rule: AnyRule
    limits: Limits


Plan = tuple[Check, ...]
"""All checks of a subject."""


def standing(plan: Plan) -> Plan:
    """Those of a plan whose rules are standing."""
    return tuple(check for check in plan if check.rule.name in STANDING)


class Judgement:
    """Shared by all clusters of a process; never changed."""

    __slots__ = (
        *("auditor", "causes", "engines", "explained", "general"),
        *("policy", "reported", "rules", "standing", "tracer"),
    )

    def __init__(
        self,
        policy: Policy,
        engines: Mapping[str, Engine],
        rules: Mapping[str, AnyRule],
        causes: Mapping[str, CauseRule],
        reported: Mapping[str, RuleBase] = MappingProxyType({}),
        auditor: Auditor | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.policy = policy
        self.tracer = tracer
        """Observes what is measured and judged; None where nobody asks."""
        self.engines = engines
        self.rules = rules
        self.causes = causes
        self.explained = frozenset(rule for cause in causes.values() for rule in cause.explains)
        """The rules that a cause can explain."""
        self.reported = reported
        """Rules whose values are reported by other programs, not measured from samples."""
        self.auditor = auditor
        """Judges how servers are set up; None where nobody does."""
        self.general: dict[SubjectKind, Plan] = {kind: self._plan(kind) for kind in get_args(SubjectKind)}
        """The checks of each kind of subject where nothing is overridden."""
        self.standing = {kind: standing(plan) for kind, plan in self.general.items()}
        """Those of them whose rules are standing."""

    def rule(self, name: str) -> RuleBase:
        """A rule by name, measured or reported. Raises KeyError for one that does not exist."""
        return self.rules.get(name) or self.reported[name]

    def has_rule(self, name: str) -> bool:
        """Whether a rule exists."""
        return name in self.rules or name in self.reported

    def is_enabled(self, rule: RuleBase) -> bool:
        """Whether the settings leave a rule on in general."""
        return self.policy.limits(rule.name, rule.limits, Scope(cluster="")).enabled

    def engine_of(self, node: NodeState | None) -> Engine:
        """The engine of a node. Raises KeyError for None, and for an engine that does not exist."""
        return self.engines[node.node.engine if node is not None else ""]

    def check(self, rule: AnyRule, limits: Limits) -> Check:
        """A rule with its limits; where there is a tracer, one that gives it each value."""
        return Check(rule.measure if self.tracer is None else _traced(self.tracer, rule, limits), rule, limits)

    def is_measured(self, check: Check) -> bool:
        """Whether the settings leave a rule on for its subject, or a tracer watches it."""
        return check.limits.enabled or (self.tracer is not None and check.rule.name in self.tracer.watches)

    def _plan(self, kind: SubjectKind) -> Plan:
        anything, policy = Scope(cluster=""), self.policy
        rules = (rule for rule in self.rules.values() if rule.on.kind == kind)
        checks = (self.check(rule, policy.limits(rule.name, rule.limits, anything)) for rule in rules)
        return tuple(check for check in checks if self.is_measured(check))


def _traced(tracer: Tracer, rule: AnyRule, limits: Limits) -> Measure[ClusterContext]:
    """The measurement of a rule, whose values a tracer is given."""

    def measure(context: ClusterContext) -> float | None:
        value: float | None = rule.measure(context)
        tracer.measured(rule, limits, context, value)
        return value if limits.enabled else None

    return measure
