"""Audits of a cluster: when one begins, and so much of it at each tick that judging is never held up.

A look makes one due, another role or link does, the day does, and its schedule does. It goes on over as many ticks as
it needs; what it has so far is part of the state, so that a worker that takes over goes on where the last one stopped.
"""

from collections.abc import Mapping
from math import inf
from zlib import crc32

from leadline.clock import moment
from leadline.model.alert import severity_rank
from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditedFinding
from leadline_streams.judge import audit_findings, limits
from leadline_streams.judge.alerting import Alerting, Output
from leadline_streams.judge.audit_state import AuditRound, AuditState
from leadline_streams.judge.auditor import AuditPart
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.state import Memory
from leadline_streams.judge.view import View

MOST_CHECKS = 200
"""Rules at one tick times servers and links of the cluster: 2 ms. At least one rule is judged, which takes up to 45 ms
of a cluster of 500 servers."""
SETTLE_S = 3.0
"""From a look to the audit: those of other servers may be on their way."""
GAP_S = 10.0
"""Shortest time from one audit to the next; at least as long as the last one took."""
MOST_FINDINGS = 1000
MOST_NOT_JUDGED = 500
MOST_DETAILS = 3
"""Findings of one rule of which facts and steps are kept."""
DAY_S = 86_400.0


def take(look: AuditLook, memory: Memory, judgement: Judgement, now: float) -> None:
    """Keep a look, and let an audit follow. One that comes again changes nothing."""
    state = memory.audit
    known = state.looks.get(look.node)
    if judgement.auditor is None or (known is not None and known.sent_at == look.sent_at):
        return
    if known is None and len(state.looks) >= limits.MOST_NODES:
        limits.note(memory, "nodes", look.node)
        return
    state.looks[look.node] = look
    _let_follow(memory, judgement, now)


def forget(memory: Memory, name: str) -> None:
    """A node is forgotten."""
    memory.audit.looks.pop(name, None)


def follow_shape(memory: Memory, judgement: Judgement, now: float) -> None:
    """Let an audit follow when a node has another role or version, or there are other links."""
    state = memory.audit
    if judgement.auditor is None or not (state.looks or state.findings or state.notices):
        return
    nodes = sorted((str(node.name), node.node.role, node.node.version_num) for node in memory.nodes.values())
    links = sorted((str(link.id), link.kind, link.slot or "") for link in memory.links.values())
    shape = crc32(repr((nodes, links)).encode("utf-8", "backslashreplace"))
    if shape != state.shape:
        state.shape = shape
        _let_follow(memory, judgement, now)


def step(memory: Memory, judgement: Judgement, alerting: Alerting, now: float, out: list[Output]) -> None:
    """Begin an audit that is due, or judge some more rules of the one that has begun."""
    state, auditor = memory.audit, judgement.auditor
    if auditor is None or not memory.arrivals.horizon or (state.round is None and now < state.due_at):
        return
    if state.round is None:
        every_s = judgement.policy.audit.every_s
        scheduled = bool(every_s) and now >= state.scheduled_at + every_s
        state.round, state.due_at = AuditRound(now, scheduled or not state.scheduled_at), inf
    doing = state.round
    count = max(1, MOST_CHECKS // max(1, len(memory.nodes) + len(memory.links)))
    _add(state, doing, auditor.judge(View(memory), state.looks, doing.judged, count, moment(doing.at)))
    doing.judged += count
    if doing.judged >= auditor.size:
        _end(memory, judgement, alerting, now, out)


def _let_follow(memory: Memory, judgement: Judgement, now: float) -> None:
    state = memory.audit
    due = now + SETTLE_S + _apart_s(memory, judgement)
    if state.round is not None or not state.ended_at:
        state.due_at = min(state.due_at, due)
        return
    state.due_at = min(state.due_at, max(due, state.ended_at + GAP_S))


def _apart_s(memory: Memory, judgement: Judgement) -> float:
    """Clusters that are due together are audited one after the other."""
    return judgement.policy.audit.spread_s * (crc32(memory.cluster.encode("utf-8", "backslashreplace")) % 997) / 997


def _add(state: AuditState, doing: AuditRound, part: AuditPart) -> None:
    for finding, details in part.findings:
        kept = doing.details.setdefault(finding.rule, [])
        if finding.accepted is None and len(kept) < MOST_DETAILS:
            kept.append(details)
        doing.findings[finding.finding_id] = finding
        if len(doing.findings) > MOST_FINDINGS:
            doing.dropped += 1
            least = min(doing.findings.values(), key=lambda each: (severity_rank(each.severity), each.finding_id))
            del doing.findings[least.finding_id]
            doing.kept.update({least.finding_id} & state.findings.keys())
    unjudged = {(each.rule, each.subject) for each in part.not_judged}
    doing.kept.update(ident for ident, each in state.findings.items() if (each.rule, each.subject.id) in unjudged)
    room = max(0, MOST_NOT_JUDGED - len(doing.not_judged))
    doing.not_judged += part.not_judged[:room]
    doing.dropped_not_judged += len(part.not_judged[room:])
    doing.held += part.held
    doing.nodes.update(part.nodes)


def _end(memory: Memory, judgement: Judgement, alerting: Alerting, now: float, out: list[Output]) -> None:
    """Hold what was found against what was known, and let the next audit follow."""
    state, doing, auditor = memory.audit, memory.audit.round, judgement.auditor
    assert doing is not None
    assert auditor is not None
    before, state.findings = state.findings, _settled(memory, doing)
    state.round, state.ended_at = None, now
    every_s = judgement.policy.audit.every_s
    if doing.scheduled:
        state.scheduled_at = doing.at
    if doing.scheduled or _compared(before) != _compared(state.findings):
        out.append(audit_findings.result(memory.cluster, state, doing, auditor.facts_as_of))
    audit_findings.report(memory, judgement, alerting, doing, out)
    apart_s = _apart_s(memory, judgement)
    tomorrow = (now // DAY_S + 1) * DAY_S + apart_s
    upcoming = min(tomorrow, state.scheduled_at + every_s if every_s else inf)
    state.due_at = max(min(state.due_at, upcoming), now + max(GAP_S, now - doing.at))


def _settled(memory: Memory, doing: AuditRound) -> dict[str, AuditedFinding]:
    """The findings of an audit: of those that an earlier one had, since that one, and those that it could not judge.

    A finding about servers that are forgotten, or about a link that is gone between servers that were read, is over.
    """
    state, found = memory.audit, dict[str, AuditedFinding]()
    for ident, finding in doing.findings.items():
        known = state.findings.get(ident)
        found[ident] = audit_findings.since(finding, known.since if known is not None else moment(doing.at))
    for ident, known in state.findings.items():
        if ident in found or not all(name in memory.nodes for name in known.nodes):
            continue
        if ident in doing.kept or any(name not in doing.nodes for name in known.nodes):
            found[ident] = audit_findings.unjudged(known)
    return found


def _compared(findings: Mapping[str, AuditedFinding]) -> set[tuple[str, bool, bool, str]]:
    """The parts of findings that make a result another one: numbers in their words do not."""
    return {(ident, each.judged, each.accepted is not None, each.severity) for ident, each in findings.items()}
