"""A report as JUnit XML: a suite for each subject, a case for each rule."""

from collections import defaultdict
from xml.etree import ElementTree

from leadline.model.alert import SEVERITIES
from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.reports.shared import evidence_text


def junit(report: AuditReport, fail_on: str) -> str:
    """Findings below ``fail_on`` pass, with their text as output; what was not judged is skipped, with the reason."""
    suites: dict[str, dict[str, list[ElementTree.Element]]] = defaultdict(dict)
    for rule, subject in report.held:
        suites[subject][rule] = []
    for each in report.unseen:
        element = ElementTree.Element("skipped", message=each.reason)
        suites[each.subject.id or "all"].setdefault(each.rule or "read", []).append(element)
    for finding in report.findings:
        suites[finding.subject.id].setdefault(finding.rule, []).append(_element(finding, fail_on))
    root = ElementTree.Element("testsuites", name="leadline audit")
    for subject, rules in sorted(suites.items()):
        cases = [_case(rule, subject, found) for rule, found in sorted(rules.items())]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=subject,
            tests=str(len(cases)),
            failures=str(sum(1 for case in cases if case.find("failure") is not None)),
            errors="0",
            skipped=str(sum(1 for case in cases if case.find("skipped") is not None)),
            timestamp=report.at.strftime("%Y-%m-%dT%H:%M:%S"),
        )
        suite.extend(cases)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(rule: str, subject: str, found: list[ElementTree.Element]) -> ElementTree.Element:
    """A case has one result: a failure before anything else, then what was not judged."""
    case = ElementTree.Element("testcase", name=rule, classname=subject)
    failures = [each for each in found if each.tag == "failure"]
    skipped = [each for each in found if each.tag == "skipped"]
    case.extend(failures or skipped[:1])
    case.extend(each for each in found if each.tag == "system-out")
    return case


def _element(finding: AuditFinding, fail_on: str) -> ElementTree.Element:
    read = "".join(f"\nread: {evidence_text(each)}" for each in finding.evidence)
    text = f"{finding.title}\n{finding.summary}\n{finding.why}{read}\n{finding.reference}"
    if fail_on not in SEVERITIES[: SEVERITIES.index(finding.severity) + 1]:
        element = ElementTree.Element("system-out")
    else:
        element = ElementTree.Element("failure", message=finding.summary, type=finding.severity)
    element.text = text
    return element
