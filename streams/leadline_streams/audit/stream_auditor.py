"""The audit on the stream: the same rules, asked by the judgement, of the samples and looks that it holds. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from leadline.advisories.entry import Facts
from leadline.model.alert import Evidence
from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditedFinding, FindingAcceptance, NotJudged
from leadline.model.observation import Sample
from leadline.model.status import LinkStatus
from leadline_streams.audit.acceptance import Acceptance, checked
from leadline_streams.audit.auditing import audited, fleets
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.measured import MEASURED_BY
from leadline_streams.audit.engines.postgresql.patch_level import patch_rules
from leadline_streams.audit.finding import AuditFinding
from leadline_streams.audit.rule import AuditRule
from leadline_streams.engines.postgresql.flavours import worded
from leadline_streams.judge.audit_state import FoundDetails
from leadline_streams.judge.auditor import AuditPart
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView
from leadline_streams.judge.status import shown_link

NO_LOOK: Final = "its agent has sent no look for the audit; agent.audit_every_s must not be 0, and the agent not older"
OLD: Final = timedelta(days=15)
"""Agents send a look each week at least, or none."""


class StreamAuditor:
    """Judges clusters as ``leadline audit`` does, with what is accepted."""

    def __init__(self, facts: Facts, acceptances: Sequence[Acceptance] = ()) -> None:
        """Raises UsageError for an acceptance of a rule that does not exist."""
        self._rules_of = lru_cache(maxsize=4)(lambda today: _rules(facts, today))
        self.facts_as_of = str(facts.facts_as_of)
        self._acceptances = checked(acceptances, (rule.id for rule in self._rules_of(date(2026, 1, 1))))
        self.size = len(self._rules_of(date(2026, 1, 1)))

    def measured_by(self, rule: str) -> str:
        """The rule of the judgement that measures the same at every sample; empty where none does."""
        return MEASURED_BY.get(rule, "")

    def judge(
        self, cluster: ClusterView, looks: Mapping[str, AuditLook], first: int, count: int, at: datetime
    ) -> AuditPart:
        """Judge a cluster as it is now by ``count`` rules from ``first`` on, as of a time."""
        rules = self._rules_of(at.date())[first : first + count]
        missing = {name: why for name, node in cluster.nodes.items() if (why := _missing(node, looks, at)) is not None}
        samples = [
            sample
            for name, node in cluster.nodes.items()
            if name not in missing and (sample := _sample(node)) is not None
        ]
        links = [_status(cluster, ident, at.timestamp()) for ident in cluster.links]
        report = audited(fleets(samples, looks.values(), links), rules, worded, at, missing)
        general = {"", *(rule.id for rule in rules)} if first == 0 else {rule.id for rule in rules}
        return AuditPart(
            findings=[(self._finding(each, cluster, at), _details(each)) for each in report.findings],
            not_judged=[
                NotJudged(rule=each.rule, subject=each.subject.id, reason=each.reason)
                for each in report.unseen
                if each.rule in general
            ],
            held=report.satisfied,
            nodes=report.nodes,
        )

    def _finding(self, found: AuditFinding, cluster: ClusterView, at: datetime) -> AuditedFinding:
        today, about = at.date(), found.subject
        covering = [each for each in self._acceptances if each.covers(found)]
        valid = next((each for each in covering if each.until >= today), None)
        ended = max((each.until for each in covering), default=None) if valid is None else None
        ends = [name for name in (about.node, about.upstream, about.downstream) if name is not None]
        return AuditedFinding(
            finding_id=found.id,
            rule=found.rule,
            title=found.title,
            severity=found.severity,
            subject=about,
            nodes=tuple(ends or sorted(node.name for node in cluster.nodes.values())),
            summary=found.summary,
            value=_value(found.evidence),
            since=at,
            accepted=FindingAcceptance(owner=valid.owner, reason=valid.reason, until=valid.until.isoformat())
            if valid is not None
            else None,
            acceptance_ended=ended.isoformat() if ended is not None else None,
        )


def _rules(facts: Facts, today: date) -> list[AuditRule]:
    return sorted([*AUDIT_RULES.values(), *patch_rules(facts, today)], key=lambda rule: rule.id)


def _missing(node: NodeState, looks: Mapping[str, AuditLook], at: datetime) -> str | None:
    """The reason for which a server is not audited; None for one that is."""
    if node.stale:
        return "its agent is silent"
    if not node.up:
        return node.error or "it does not answer"
    if node.kept is None:
        return "nothing of it was seen"
    look = looks.get(node.name)
    if look is None:
        return NO_LOOK
    if at - look.sent_at > OLD:
        return f"its agent sent the last look for the audit on {look.sent_at:%Y-%m-%d}; see agent.audit_every_s"
    return None


def _sample(node: NodeState) -> Sample | None:
    """The last sample of a server, with what only some of its samples have."""
    sample = node.sample
    if sample is None:
        return None
    listed = bool(node.publishes or node.refused)
    return replace(
        sample,
        disk=sample.disk or node.disk,
        refused=node.refused if listed else sample.refused,
        publishes={name: each.names for name, each in node.publishes.items()} or sample.publishes,
        subscribes={name: each.names for name, each in node.subscribes.items()} or sample.subscribes,
        slow_tables=node.slow_tables if node.subscribes else sample.slow_tables,
        sender_timeouts=node.sender_timeouts if listed else sample.sender_timeouts,
    )


def _status(cluster: ClusterView, ident: str, now: float) -> LinkStatus:
    link = cluster.links[ident]
    up, down = cluster.nodes.get(link.upstream), cluster.nodes.get(link.downstream)
    return shown_link(link, up, down, cluster.cluster, now)


def _details(found: AuditFinding) -> FoundDetails:
    return FoundDetails(found.why, found.evidence, found.steps)


def _value(evidence: Iterable[Evidence]) -> str:
    return next((f"{each.name} = {each.value}" for each in evidence), "")
