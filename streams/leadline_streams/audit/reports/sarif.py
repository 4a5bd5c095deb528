"""A report in SARIF 2.1.0, which code hosts and editors show.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
import re
from typing import Any, Final
from urllib.parse import quote

from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.reports.shared import anchor, evidence_text, place

LEVELS: Final = {"critical": "error", "warning": "warning", "info": "note"}
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_PLACE = re.compile(r"(?P<file>/.+):(?P<line>\d+)").fullmatch


def sarif(report: AuditReport, version: str) -> str:
    """One run. What was not judged is among its notifications. ``version``: of Leadline."""
    rules = {finding.rule: finding for finding in reversed(report.findings)}
    names = sorted(rules)
    run = {
        "tool": {
            "driver": {
                "name": "Leadline",
                "version": version,
                "rules": [_rule(rules[name]) for name in names],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": report.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": f"{each.rule or 'all rules'}: {each.reason}"}}
                    for each in report.unseen
                ],
            }
        ],
        "results": [_result(finding, names.index(finding.rule)) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(finding: AuditFinding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": finding.why},
        "helpUri": finding.reference,
        "help": {"text": f"{finding.why} See {anchor(finding.rule)}"},
        "defaultConfiguration": {"level": LEVELS[finding.severity]},
    }


def _result(finding: AuditFinding, index: int) -> dict[str, Any]:
    read = "; ".join(evidence_text(each) for each in finding.evidence)
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.summary}. {finding.why}" + (f" Read: {read}." if read else "")},
        "locations": [_location(finding)],
        "partialFingerprints": {"leadlineFinding/v1": finding.id},
    }


def _location(finding: AuditFinding) -> dict[str, Any]:
    """The line of the configuration file where there is one; else the server, link or cluster.

    Code scanning refuses a whole file for one result without a physical location, or with one that is no relative URI:
    https://github.com/github/codeql-action/issues/1738, https://github.com/ossf/scorecard-action/issues/1149.
    """
    places = [found for each in finding.evidence if (found := _PLACE(each.note or ""))]
    file, line = (places[0]["file"], int(places[0]["line"])) if places else ("", 1)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(f"servers/{place(finding.subject)}{file}")},
            "region": {"startLine": line},
        },
        "logicalLocations": [{"fullyQualifiedName": finding.subject.id, "kind": finding.subject.kind}],
    }
