"""The report of an audit: its order, its identities, its text."""

import re
from datetime import date
from typing import Any

from msgspec.structs import replace

from leadline_streams.audit.finding import AuditFinding
from leadline_streams.audit.reports.shared import by_effect, not_judged
from leadline_streams.audit.reports.text import WIDTH, summary, text_lines
from tests.unit.streams.audit.draft import Draft


def broken() -> Draft:
    """A pair with violations of each severity."""
    draft = Draft().put("pg-1", fsync="off", max_slot_wal_keep_size="-1")
    return draft.put("pg-2", fsync="off", max_standby_streaming_delay="-1")


def test_two_audits_can_be_compared() -> None:
    """Ids and order are the same whatever the values are and in whichever order the servers were read."""
    draft, other = broken(), broken()
    at = draft.sample_of("pg-1").sent_at
    other.found.samples.reverse()
    other.found.looks.reverse()
    assert replace(other.report(), at=at) == replace(draft.report(), at=at)
    other.put("pg-1", max_wal_size="4096")
    assert [each.id for each in draft.report().findings] == [each.id for each in other.report().findings]
    assert len({each.id for each in draft.report().findings}) == len(draft.report().findings)


def test_the_next_step_is_the_one_that_helps_most() -> None:
    """The most points first, then no restart, then most servers."""
    first = broken().report().findings[0]

    def found(rule: str, cluster: str, **changed: Any) -> AuditFinding:
        return replace(first, rule=rule, subject=replace(first.subject, id=f"{cluster}/pg-1"), **changed)

    small = {"severity": "warning", "effect": "reload"}
    findings = [
        found("A", "orders", severity="warning", effect="restart"),
        found("B", "orders", **small),
        found("C", "orders", **small),
        found("C", "orders", **small),
        found("D", "orders", **small),
        found("D", "stock", **small),
        found("E", "stock", severity="critical", effect="restart"),
    ]
    assert [group[0].rule for group in by_effect(findings)] == ["E", "D", "C", "B", "A"]


def test_the_text_fits_a_terminal() -> None:
    """At 80 columns; statements and addresses stay whole, so that they can be copied."""
    lines = list(text_lines(broken().report(date(2026, 11, 1))))
    wide = [line for line in lines if len(line) > WIDTH]
    assert wide
    assert all(re.match(r"\s+(SELECT|ALTER|https://)", line) for line in wide)
    assert [line for line in lines if re.match(r"[A-Z ]+ \(\d+\)$", line)] == [
        "CRITICAL (2)",
        "WARNING (2)",
        "INFO (2)",
        "NOT JUDGED (7)",
    ]
    assert any(line.startswith("2 servers: 2 critical, 2 warning, 2 info; ") for line in lines[-3:])
    assert sum(line[12:] == "fsync is off" for line in lines) == 1


def test_the_numbers_say_what_they_count() -> None:
    """A rule counts once as a rule, and holds once for each server and link that it is about."""
    report = Draft().report(date(2026, 11, 1))
    sentence = re.search(r"(\d+) rules, each judged .*: (\d+) times it held, (\d+) times", summary(report))
    assert sentence is not None
    rules, held, unseen = map(int, sentence.groups())
    assert rules == len({rule for rule, _ in report.held} | {each.rule for each in (*report.findings, *report.unseen)})
    assert (held, unseen) == (report.satisfied, len(report.unseen))
    assert rules < held


def test_a_server_that_was_not_read_is_listed() -> None:
    """With the reason; the others are judged."""
    report = Draft().report(missing={"pg-9": "timeout"}, others=["pg-1 has a standby that was not given"])
    assert [each.reason for each in report.unseen if not each.rule] == [
        "pg-1 has a standby that was not given",
        "pg-9 was not read: timeout",
    ]


def test_one_reason_is_one_line() -> None:
    """With every rule and server that it is about; the number still counts each judgement."""
    lines = not_judged(Draft().report(date(2026, 11, 1)))
    (hba,) = [line for line in lines if "pg_hba_file_rules;" in line]
    assert hba.startswith("PG-PAR-011, PG-SEC-003, PG-SEC-007: pg-1, pg-2: leadline may not read pg_hba_file_rules")


def test_a_managed_service_has_steps_of_its_own() -> None:
    """Its settings are not changed by ALTER SYSTEM."""
    draft = broken()
    draft.sampled("pg-2", node=replace(draft.sample_of("pg-2").node, flavour="rds"))
    (finding,) = [each for each in draft.report().findings if each.rule == "PG-SBY-001"]
    texts = [step.sql or step.text or "" for step in finding.steps]
    assert any("parameter group" in text for text in texts)
    assert not any("ALTER SYSTEM" in text for text in texts)


def test_a_setting_of_the_role_hides_that_of_the_server() -> None:
    """ALTER ROLE leadline SET ... shows the role's value: the rule is not judged."""
    draft = Draft()
    look = draft.look_of("pg-1")
    assert look.settings is not None
    own = replace(look.settings["synchronous_commit"], source="user", value="off")
    draft.read("pg-1", settings={**look.settings, "synchronous_commit": own})
    report = draft.report()
    assert "PG-DUR-005" in {each.rule for each in report.unseen}
