"""Notices of an audit: one record for all findings of a rule in a cluster, and a digest of what is only advice. Pure.

A notice is a record of the incidents topic of class ``notice``: it begins with the first finding of its rule, has
another ``seq`` when other subjects are affected, and ends with the last finding. While its findings are the same
nothing is published, whatever their numbers are. A digest is one of class ``advice``, and replaces the one before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from leadline import own_incident
from leadline.clock import moment
from leadline.model.alert import Cause, Evidence, Severity, Step
from leadline.model.audit_result import AuditedFinding
from leadline.model.ids import ClusterName, NodeName, incident_id
from leadline.model.incident import Affected, Incident, TimelineEntry
from leadline.steps import fix_of
from leadline_streams.judge.audit_state import FoundDetails, NoticeState
from leadline_streams.judge.state import Memory
from leadline_streams.judge.subject import of_cluster, of_setting

CAUSE: Final = "set_up_wrong"
NAMED: Final = 6
"""Servers that a title names; the others are counted."""
MOST_STEPS: Final = 8
MOST_FACTS: Final = 12
DIGEST: Final = "audit_advice"
NOTICE: Final = "audit_finding"


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one rule."""

    rule: str
    severity: Severity
    notice: bool
    """Whether people are notified of it by itself, not in the digest."""
    findings: tuple[AuditedFinding, ...]
    details: tuple[FoundDetails, ...]

    @property
    def title(self) -> str:
        """The rule in words."""
        return self.findings[0].title

    @property
    def nodes(self) -> list[NodeName]:
        """The servers that they are about, each once."""
        return list(dict.fromkeys(name for each in self.findings for name in _at_fault(each)))


def summary(group: FindingGroup) -> str:
    """The rule and its servers in one line."""
    return f"{group.title} ({group.rule}): {names(group.nodes)}"


def names(nodes: Sequence[str]) -> str:
    """Servers as a list in words."""
    more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
    return ", ".join(nodes[:NAMED]) + more


def due(memory: Memory, groups: Sequence[FindingGroup], now: float) -> Iterator[Incident]:
    """The notices to publish: those that are new, those of other findings than before, and the ends."""
    notices = memory.audit.notices
    wanted = {group.rule: group for group in groups if group.notice}
    for rule, group in sorted(wanted.items()):
        known, idents = notices.get(rule), [each.finding_id for each in group.findings]
        if known is None:
            began = incident_id(memory.cluster, moment(now), rule)
            notices[rule] = NoticeState(began, 1, now, group.severity, idents, summary(group))
            yield _record(memory, group, notices[rule], now, [_entry(now, f"{NOTICE} fires: {summary(group)}")])
        elif set(known.findings) != set(idents):
            what = _difference(memory, known, group)
            known.seq, known.findings, known.title = known.seq + 1, idents, summary(group)
            known.severity = group.severity
            yield _record(memory, group, known, now, [_entry(now, what)])
    for rule in [rule for rule in notices if rule not in wanted]:
        known = notices.pop(rule)
        yield _ended(memory, rule, known, now, _why_over(memory, rule))


def digest(memory: Memory, groups: Sequence[FindingGroup], every_s: float, now: float) -> Iterator[Incident]:
    """The digest, when its time has come and it says something else than the last one; its end when nothing is left."""
    state = memory.audit
    advice = [group for group in groups if not group.notice]
    idents = sorted(each.finding_id for group in advice for each in group.findings)
    known = state.digest
    if known is not None and not idents:
        state.digest = None
        yield _ended(memory, DIGEST, known, now, "none of it is found any more")
        return
    if not every_s or not idents or now < state.digest_at + every_s:
        return
    state.digest_at = now
    if known is not None and set(known.findings) == set(idents):
        return
    if known is not None:
        yield _ended(memory, DIGEST, known, now, "a newer digest follows")
    title = f"{len(advice)} piece{'s' if len(advice) != 1 else ''} of advice of the audit"
    ident = incident_id(memory.cluster, moment(now), DIGEST)
    state.digest = NoticeState(ident, 1, now, "info", idents, title)
    yield _advice(memory, advice, state.digest, now)


def _record(
    memory: Memory, group: FindingGroup, known: NoticeState, now: float, timeline: list[TimelineEntry]
) -> Incident:
    steps = list(dict.fromkeys(step for each in group.details for step in each.steps))[:MOST_STEPS]
    why = group.details[0].why if group.details else ""
    facts = [Evidence(name=each.rule, value=each.summary, note=_note(each)) for each in group.findings[:MOST_FACTS]]
    about = f"{'; '.join(each.summary for each in group.findings[:3])}"
    cause = _cause(memory.cluster, group.rule, f"{about}. {why}".strip(), steps, facts, memory)
    opened = _opened(memory, cause, NOTICE, known, now)
    return replace(
        opened,
        class_="notice",
        affected=Affected(nodes=group.nodes),
        timeline=timeline,
        labels=_labels(memory, group.nodes),
        datacenters=_datacenters(memory, group.nodes),
    )


def _advice(memory: Memory, advice: Sequence[FindingGroup], known: NoticeState, now: float) -> Incident:
    steps = [Step(risk="look", text="leadline audit has the steps of each; docs/reference/audit.md has the rules.")]
    facts = [Evidence(name=group.rule, value=summary(group)) for group in advice[: 3 * MOST_FACTS]]
    lines = "; ".join(summary(group) for group in advice[:MOST_FACTS])
    cause = _cause(memory.cluster, "", lines, steps, facts, memory)
    nodes = list(dict.fromkeys(name for group in advice for name in group.nodes))
    return replace(
        _opened(memory, cause, DIGEST, known, now),
        class_="advice",
        affected=Affected(nodes=nodes),
        labels=_labels(memory, nodes),
        datacenters=_datacenters(memory, nodes),
    )


def _cause(
    cluster: ClusterName, rule: str, text: str, steps: Sequence[Step], facts: list[Evidence], memory: Memory
) -> Cause:
    return Cause(
        code=CAUSE,
        confidence=1.0,
        subject=of_setting(cluster, rule) if rule else of_cluster(memory.cluster),
        summary=text,
        fix=fix_of(steps),
        steps=list(steps),
        evidence_for=facts,
        evidence_against=[],
    )


def _opened(memory: Memory, cause: Cause, rule: str, known: NoticeState, now: float) -> Incident:
    record = own_incident.opened(
        cause,
        rule=rule,
        incident_id=known.incident,
        cluster=memory.cluster,
        title=known.title,
        severity="warning" if rule == NOTICE else "info",
        since=moment(known.opened_at),
        at=moment(known.opened_at),
    )
    return replace(record, seq=known.seq)


def _ended(memory: Memory, rule: str, known: NoticeState, now: float, why: str) -> Incident:
    about = rule if rule != DIGEST else ""
    cause = _cause(memory.cluster, about, known.title, (), [], memory)
    code = NOTICE if about else DIGEST
    record = replace(_opened(memory, cause, code, known, now), class_="notice" if about else "advice")
    return own_incident.resolved(replace(record, timeline=[]), why, moment(now))


def _difference(memory: Memory, known: NoticeState, group: FindingGroup) -> str:
    found = {each.finding_id: each for each in group.findings}
    new = [each.summary for ident, each in found.items() if ident not in known.findings]
    over = sum(ident not in found for ident in known.findings)
    parts = [f"also {'; '.join(new[:3])}{f' and {len(new) - 3} more' if len(new) > 3 else ''}"] if new else []
    parts += [f"{over} of them {'is' if over == 1 else 'are'} over"] if over else []
    return f"{group.rule}: {', and '.join(parts)}"


def _why_over(memory: Memory, rule: str) -> str:
    """Found no more, or accepted by somebody."""
    owners = [each.accepted for each in memory.audit.findings.values() if each.rule == rule and each.accepted]
    if owners:
        return f"{rule} is accepted by {owners[0].owner} until {owners[0].until}: {owners[0].reason}"
    return f"{rule} is not found any more"


def _at_fault(finding: AuditedFinding) -> tuple[NodeName, ...]:
    """The server of a finding; the downstream of a link, whose upstream the words name."""
    return (finding.subject.downstream,) if finding.subject.downstream is not None else finding.nodes


def _note(finding: AuditedFinding) -> str | None:
    parts = [finding.value] if finding.value else []
    parts += ["not judged by the last audit"] if not finding.judged else []
    parts += [f"was accepted until {finding.acceptance_ended}"] if finding.acceptance_ended else []
    return "; ".join(parts) or None


def _labels(memory: Memory, nodes: Sequence[NodeName]) -> dict[str, str]:
    """The labels on which all of these servers agree, as an incident's."""
    known = [memory.nodes[name].node.labels for name in nodes if name in memory.nodes]
    first = known[0] if known else {}
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in known)}


def _datacenters(memory: Memory, nodes: Sequence[NodeName]) -> list[str]:
    found = {memory.nodes[name].node.datacenter for name in nodes if name in memory.nodes}
    return sorted(found - {""})


def _entry(at: float, what: str) -> TimelineEntry:
    return TimelineEntry(at=moment(at), what=what)
