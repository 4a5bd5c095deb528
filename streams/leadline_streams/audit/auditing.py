"""Judges what was read by the rules of an audit. Pure: the same looks give the same report."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from leadline.model.alert import Step, Subject
from leadline.model.audit_look import AuditLook
from leadline.model.ids import ClusterName, node_id
from leadline.model.observation import Sample
from leadline.model.status import LinkStatus
from leadline_streams.audit.finding import AuditFinding, AuditReport, Unjudged, by_weight, identity
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import AuditRule, Violation


def fleets(samples: Iterable[Sample], looks: Iterable[AuditLook], links: Iterable[LinkStatus]) -> list[AuditedFleet]:
    """All that was read, by cluster: the servers of which there are a sample and a look, and the links among them."""
    known = {(look.cluster, look.node): look for look in looks}
    nodes: dict[str, dict[str, AuditedNode]] = {}
    for sample in samples:
        look = known.get((sample.node.cluster, sample.node.name))
        if sample.up and look is not None:
            nodes.setdefault(sample.node.cluster, {})[sample.node.name] = AuditedNode(sample, look)
    listed = sorted(links, key=lambda link: link.link)
    found = []
    for cluster, here in sorted(nodes.items()):
        own = [link for link in listed if link.cluster == cluster]
        whole = [link for link in own if link.upstream in here and link.downstream in here]
        found.append(
            AuditedFleet(
                cluster,
                tuple(here[name] for name in sorted(here)),
                tuple(AuditedLink(link, here[link.upstream], here[link.downstream]) for link in whole),
                tuple(link for link in own if link not in whole),
            )
        )
    return found


Worded = Callable[[Step, Mapping[str, AuditedNode]], Step | None]
"""Words a step in the ways of the server that it is about; None where nobody has to do it."""


def audited(
    fleets: Sequence[AuditedFleet],
    rules: Iterable[AuditRule],
    worded: Worded,
    at: datetime,
    missing: Mapping[str, str] = {},
    others: Iterable[str] = (),
) -> AuditReport:
    """Judge every subject by every rule that is about it.

    ``missing``: servers that were not read, and why. ``others``: servers that these refer to and that were not given.
    """
    findings: list[AuditFinding] = []
    unseen = [
        Unjudged(rule="", subject=Subject(kind="node", id=name), reason=f"{name} was not read: {reason}")
        for name, reason in sorted(missing.items())
    ]
    listed = list(others)
    unseen += [Unjudged(rule="", subject=Subject(kind="cluster", id=""), reason=line) for line in listed]
    held: list[tuple[str, str]] = []
    ordered = sorted(rules, key=lambda rule: rule.id)
    for fleet in fleets:
        unseen += [
            Unjudged(rule="", subject=_of_status(link), reason=f"only one end of {link.link} was read")
            for link in fleet.half
        ]
        unseen += [
            Unjudged(rule="", subject=Subject(kind="cluster", id=fleet.cluster), reason=reason)
            for node, reason in _unlinked(fleet)
            if not any(re.search(rf"(?<![\w.-]){re.escape(node)}(?![\w.-])", line) for line in listed)
        ]
        for rule in ordered:
            for subject, view, nodes in _subjects(fleet, rule):
                try:
                    if not rule.applies(view):
                        continue
                except Unseen as reason:
                    unseen.append(Unjudged(rule=rule.id, subject=subject, reason=str(reason)))
                    continue
                found: list[AuditFinding] = []
                try:
                    found.extend(_finding(rule, subject, each, nodes, worded) for each in rule.check(view))
                    if not found:
                        held.append((rule.id, subject.id))
                except Unseen as reason:
                    unseen.append(Unjudged(rule=rule.id, subject=subject, reason=str(reason)))
                findings += found
    return AuditReport(
        at=at,
        nodes=[str(node.name) for fleet in fleets for node in fleet.nodes],
        findings=sorted(findings, key=by_weight),
        unseen=sorted(unseen, key=lambda each: (each.rule, each.subject.id, each.reason)),
        held=held,
        clusters=[fleet.cluster for fleet in fleets],
    )


def _unlinked(fleet: AuditedFleet) -> Iterator[tuple[str, str]]:
    """Standbys whose upstream is not known, each with what that means."""
    known = {link.down.name for link in fleet.links} | {status.downstream for status in fleet.half}
    for node in fleet.nodes:
        if node.is_standby and node.name not in known:
            yield (
                str(node.name),
                f"the server that {node.name} follows was not seen among those given: "
                "no rule about both ends was judged",
            )


def _subjects(fleet: AuditedFleet, rule: AuditRule) -> Iterator[tuple[Subject, Any, list[AuditedNode]]]:
    if rule.on == "node":
        for node in fleet.nodes:
            if _is_about(rule, node):
                subject = Subject(kind="node", id=node_id(ClusterName(fleet.cluster), node.name), node=node.name)
                yield subject, node, [node]
    elif rule.on == "link":
        for link in fleet.links:
            if _is_about(rule, link.down):
                yield _of_status(link.status), link, [link.up, link.down]
    elif any(_is_about(rule, node) for node in fleet.nodes):
        yield Subject(kind="cluster", id=fleet.cluster), fleet, list(fleet.nodes)


def _is_about(rule: AuditRule, node: AuditedNode) -> bool:
    return rule.since <= node.major and (rule.until is None or node.major <= rule.until)


def _of_status(link: LinkStatus) -> Subject:
    return Subject(
        kind="link",
        id=link.link,
        upstream=link.upstream,
        downstream=link.downstream,
        link_kind=link.link_kind,
    )


def _finding(
    rule: AuditRule, subject: Subject, violation: Violation, nodes: Sequence[AuditedNode], worded: Worded
) -> AuditFinding:
    about = Subject(
        kind=subject.kind,
        id=subject.id,
        node=subject.node,
        upstream=subject.upstream,
        downstream=subject.downstream,
        link_kind=subject.link_kind,
        name=violation.name or None,
    )
    return AuditFinding(
        id=identity(rule.id, about),
        rule=rule.id,
        title=rule.title,
        severity=violation.severity or rule.severity,
        subject=about,
        summary=violation.summary,
        why=rule.why,
        evidence=list(violation.evidence),
        steps=_steps(violation.steps, nodes, worded),
        effect=rule.effect,
        reference=rule.reference,
    )


def _steps(steps: Iterable[Step], nodes: Sequence[AuditedNode], worded: Worded) -> list[Step]:
    by_name = {str(node.name): node for node in nodes}
    return [step for each in steps if (step := worded(each, by_name)) is not None]
