"""Findings that somebody answers for, and the difference between two audits."""

from datetime import date
from typing import Any

import msgspec
import pytest

from leadline.errors import UsageError
from leadline_streams.audit.acceptance import Acceptance, with_acceptances
from leadline_streams.audit.comparison import changes
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.finding import AuditReport
from leadline_streams.audit.reports.markdown import markdown
from leadline_streams.audit.reports.page import html
from leadline_streams.audit.reports.text import text_lines
from tests.unit.streams.audit.draft import Draft

DAY = date(2026, 11, 30)


def delayed() -> Draft:
    """A standby that is kept behind, with a second mistake."""
    return Draft().put("pg-2", recovery_min_apply_delay="5000", wal_receiver_timeout="0")


def accepting(until: date, subject: str = "main/pg-2") -> Acceptance:
    return Acceptance("PG-SBY-005", subject, "ada", "kept behind on purpose", until)


def judged(*acceptances: Acceptance) -> AuditReport:
    return with_acceptances(delayed().report(), acceptances, AUDIT_RULES, DAY)


@pytest.mark.parametrize("subject", ["main/pg-2", "pg-2", "*", "main/*"])
def test_an_accepted_finding_is_apart(subject: str) -> None:
    """With who answers for it; on its last day too. The other findings stay."""
    report = judged(accepting(DAY, subject))
    assert [each.finding.rule for each in report.accepted] == ["PG-SBY-005"]
    rules = {each.rule for each in report.findings}
    assert "PG-SBY-005" not in rules
    assert "PG-SBY-009" in rules
    for text in ("\n".join(text_lines(report)), markdown(report), html(report)):
        assert "kept behind on purpose" in text


def test_it_comes_back_when_the_day_has_passed() -> None:
    """And says that it was accepted, by whom and why."""
    report = judged(accepting(date(2026, 11, 29)))
    assert report.accepted == ()
    (finding,) = [each for each in report.findings if each.rule == "PG-SBY-005"]
    assert finding.evidence[-1].name == "accepted until"
    assert finding.evidence[-1].note == "ada: kept behind on purpose"


def test_it_covers_no_other_subject() -> None:
    """Not the same rule on another server."""
    assert judged(accepting(DAY, "main/pg-1")).accepted == ()


def test_a_rule_that_does_not_exist_is_refused() -> None:
    """A typing error must not accept nothing in silence."""
    wrong = Acceptance("PG-SBY-999", "*", "ada", "x", DAY)
    with pytest.raises(UsageError, match="there is no rule PG-SBY-999"):
        with_acceptances(delayed().report(), [wrong], AUDIT_RULES, DAY)


def lines(report: AuditReport) -> list[dict[str, Any]]:
    """The report as ``leadline audit --format json`` prints it."""
    found = [{"kind": "finding", **msgspec.to_builtins(each)} for each in report.findings]
    return [*found, {"kind": "summary", "at": "2026-11-29T10:00:00Z"}]


def test_new_and_repaired() -> None:
    """By identity: a value that changed is neither."""
    before = lines(delayed().put("pg-1", fsync="off").report())
    now = Draft().put("pg-2", recovery_min_apply_delay="9000").put("pg-1", full_page_writes="off").report()
    found = changes(before, now)
    by_id = {each.id: each.rule for each in now.findings}
    assert [by_id[each] for each in found.new] == ["PG-DUR-002"]
    assert [text.split(":")[0] for text in found.repaired] == ["PG-DUR-001", "PG-SBY-009"]
    assert found.unjudged == []
    report = msgspec.structs.replace(now, changes=found)
    for text in ("\n".join(text_lines(report)), markdown(report), html(report)):
        assert "repaired" in text
        assert "PG-SBY-009" in text


def test_what_was_not_judged_is_not_repaired() -> None:
    """A server that was not read this time may be as it was; so may a setting that is hidden now."""
    before = lines(delayed().report())
    draft = Draft()
    draft.found.samples = [each for each in draft.found.samples if each.node.name != "pg-2"]
    found = changes(before, draft.report(missing={"pg-2": "timeout"}))
    assert not any("pg-2" in text for text in found.repaired)
    assert {text.split(":")[0] for text in found.unjudged} >= {"PG-SBY-005", "PG-SBY-009"}
    hidden = Draft().read("pg-2", settings=None, unseen={"settings": "hidden"}).report()
    assert "PG-SBY-005" in {text.split(":")[0] for text in changes(before, hidden).unjudged}
