"""Parts that the reports share: clusters, scores, places and the order of the next steps."""

import re
from collections.abc import Iterable
from itertools import groupby
from urllib.parse import unquote

from leadline.model import audit_result
from leadline.model.alert import SEVERITIES, Evidence, Severity, Subject
from leadline.steps import grouped
from leadline_streams.audit.finding import AuditFinding, AuditReport

WORST_FIRST: tuple[Severity, ...] = tuple(reversed(SEVERITIES))
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:.*Z").fullmatch
EFFECTS = {"reload": "takes effect by a reload", "restart": "takes effect by a restart", "none": ""}


def cluster_of(subject: Subject) -> str:
    """The cluster that a subject is in."""
    return unquote(subject.id.partition("/")[0])


def place(subject: Subject) -> str:
    """A subject in words: a server, a link or a cluster."""
    if subject.kind == "link":
        return f"{subject.upstream} → {subject.downstream}"
    return str(subject.node or f"cluster {subject.id}")


def score(findings: Iterable[AuditFinding]) -> int:
    """The score of these findings."""
    return audit_result.score((finding.rule, finding.severity) for finding in findings)


def by_cluster(report: AuditReport) -> list[tuple[str, list[AuditFinding]]]:
    """The findings of each cluster that was read, also of one that has none."""
    found = {name: [each for each in report.findings if cluster_of(each.subject) == name] for name in report.clusters}
    return sorted(found.items())


def by_rule(findings: Iterable[AuditFinding]) -> list[list[AuditFinding]]:
    """Findings of one severity and rule together, in the order of the report."""
    return [list(group) for _, group in groupby(findings, key=lambda each: (each.severity, each.rule))]


def by_effect(findings: Iterable[AuditFinding]) -> list[list[AuditFinding]]:
    """The findings of each rule, those first whose repair adds most to the scores of all clusters.

    Among equals, those that need no restart come first, then those about most servers.
    """

    def effort(group: list[AuditFinding]) -> tuple[int, bool, int, str]:
        clusters = {cluster_of(each.subject) for each in group}
        points = audit_result.COSTS[group[0].severity] * len(clusters)
        return -points, any(each.effect == "restart" for each in group), -len(group), group[0].rule

    return sorted(by_rule(findings), key=effort)


def not_judged(report: AuditReport) -> list[str]:
    """Judgements that could not be made: a line for each reason, with all rules and servers that it is about."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for each in report.unseen:
        node, colon, rest = each.reason.partition(": ")
        named = bool(colon) and node in report.nodes
        rules, nodes = found.setdefault(rest if named else each.reason, (set(), set()))
        rules.update([each.rule] if each.rule else [])
        nodes.update([node] if named else [])
    return [
        ": ".join(part for part in (", ".join(sorted(rules)), ", ".join(sorted(nodes)), reason) if part)
        for reason, (rules, nodes) in found.items()
    ]


def moment(text: str) -> str:
    """A time of an earlier report as people read it."""
    return f"{text[:10]} {text[11:16]} UTC" if _TIME(text) else text


def evidence_text(each: Evidence) -> str:
    """One value, the server it is of, and where it comes from."""
    node = f" on {each.node}" if each.node else ""
    return f"{each.name} = {each.value}{node}" + (f" ({each.note})" if each.note else "")


def step_blocks(finding: AuditFinding) -> list[tuple[str, bool, tuple[str, ...]]]:
    """The steps as blocks: the server and the warning, whether they are statements, and their lines."""
    blocks, before = [], ""
    for group in grouped(finding.steps):
        place_of = group.place if group.place != before else ""
        before = group.place
        heading = ": ".join(part for part in (f"On {place_of}" if place_of else "", group.warning) if part)
        blocks.append((heading, group.statements, group.lines))
    return blocks


def anchor(rule: str) -> str:
    """The place of a rule on the reference page."""
    return f"docs/reference/audit.md#{rule.lower()}"
