"""The documents of an audit: SARIF, JUnit, Markdown, HTML."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from leadline.model.audit_look import HbaLine
from leadline_streams.audit.finding import AuditReport
from leadline_streams.audit.reports.junit import junit
from leadline_streams.audit.reports.markdown import markdown
from leadline_streams.audit.reports.page import html
from leadline_streams.audit.reports.sarif import sarif
from leadline_streams.audit.reports.shared import score
from tests.unit.streams.audit.draft import Draft

EVIL = "</style><script>alert(1)</script> `x` | [a](b) # *"


def broken() -> AuditReport:
    """A pair with violations of each severity, and text that somebody else wrote."""
    draft = Draft().put("pg-1", fsync="off", max_slot_wal_keep_size="-1").put("pg-2", max_standby_streaming_delay="-1")
    draft.read("pg-1", hba=(HbaLine(line=3, error=EVIL),))
    look = draft.look_of("pg-1")
    assert look.settings is not None
    placed = replace(look.settings["fsync"], file="/srv/a b/postgresql.conf", line=7)
    return draft.read("pg-1", settings={**look.settings, "fsync": placed}).report(missing={"pg-9": EVIL})


def test_sarif_is_what_code_hosts_accept() -> None:
    """A physical location with a relative URI for each result; one location without refuses the whole file.

    https://github.com/github/codeql-action/issues/1738, https://github.com/jfrog/jfrog-cli/issues/2270
    """
    report = broken()
    document = json.loads(sarif(report, "1.0"))
    (run,) = document["runs"]
    assert document["version"] == "2.1.0"
    assert len(run["results"]) == len(report.findings)
    for result, finding in zip(run["results"], report.findings, strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] in ("error", "warning", "note")
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9%._~/-]+", uri)
        assert not uri.startswith("/")
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert result["partialFingerprints"] == {"leadlineFinding/v1": finding.id}
    (fsync,) = [each for each in run["results"] if each["ruleId"] == "PG-DUR-001"]
    assert fsync["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "servers/pg-1/srv/a%20b/postgresql.conf"},
        "region": {"startLine": 7},
    }
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(report.unseen)


def test_junit_has_each_rule_once_for_each_subject() -> None:
    """Held rules pass, findings fail from the severity of --fail-on on, what was not judged is skipped."""
    report = broken()
    root = ElementTree.fromstring(junit(report, "critical"))
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(cases) == len(set(cases))
    assert len(cases) >= report.satisfied + 3
    assert {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None} == {"PG-DUR-001"}
    failures = sum(int(suite.get("failures") or 0) for suite in root.iter("testsuite"))
    assert failures == 1
    skipped = sum(1 for case in root.iter("testcase") if case.find("skipped") is not None)
    assert skipped == len({(each.rule, each.subject.id) for each in report.unseen})
    nothing = ElementTree.fromstring(junit(report, "never"))
    assert not list(nothing.iter("failure"))


def test_markdown_shows_foreign_text_as_it_is() -> None:
    """Marks in it have no effect; statements stand in blocks."""
    text = markdown(broken())
    assert "<script>" not in text
    assert r"\[a\](b)" in text
    assert "```sql\nALTER SYSTEM SET fsync = on;" in text
    assert re.search(r"^\| main \| \d+ of 100 \| 1 \| ", text, re.MULTILINE)


class Page(HTMLParser):
    """The tags of a page, with what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)
        if "src" in given or tag in ("link", "script", "img", "iframe"):
            self.loads.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone() -> None:
    """It loads nothing, runs nothing, closes what it opens, and its own links lead somewhere."""
    page = Page()
    report = broken()
    text = html(report)
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert "url(" not in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert set(page.ids) == {finding.rule for finding in report.findings}
    assert all(link.startswith(("#", "https://")) for link in page.links)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("make", [html, markdown])
def test_an_audit_without_findings(make: object) -> None:
    """It says so."""
    draft = Draft().read("pg-2", settings={**(Draft().look_of("pg-2").settings or {})})
    report = replace(draft.report(), findings=[])
    assert callable(make)
    assert "100" in make(report)


def test_the_score_counts_rules_and_not_servers() -> None:
    """Two servers with the same mistake cost as much as one; never below 0."""
    one = Draft().put("pg-1", fsync="off").report().findings
    two = Draft().put("pg-1", fsync="off").put("pg-2", fsync="off").report().findings
    assert score(one) == score(two) == 75
    assert score([replace(one[0], rule=str(number)) for number in range(9)]) == 0
