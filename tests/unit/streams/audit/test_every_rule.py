"""Every audit rule finds its violation and nothing where there is none, on looks recorded from real servers.

``tests/integration/cli/test_audit.py`` brings real servers into most of these states.
"""

import pytest
from msgspec.structs import replace

from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from tests.unit.streams.audit import cases_others, cases_streaming
from tests.unit.streams.audit.changes import Case
from tests.unit.streams.audit.draft import Draft

CASES = [*cases_streaming.CASES, *cases_others.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_finds_its_violation(case: Case) -> None:
    """Its finding is there with the violation, and without it not: neither as found nor as not judged."""
    violated, right = Draft(case.kind, case.major), Draft(case.kind, case.major)
    case.bad(violated)
    case.good(right)
    found = [finding for finding in violated.report().findings if finding.rule == case.rule]
    assert found
    assert all(finding.summary and finding.why and finding.reference.startswith("https://") for finding in found)
    report = right.report()
    assert [finding.summary for finding in report.findings if finding.rule == case.rule] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_what_was_not_read_is_neither_found_nor_right(case: Case) -> None:
    """Without the settings and groups, no rule says anything but that it could not judge."""
    draft = Draft(case.kind, case.major)
    hidden = (
        "settings",
        "hba",
        "file_errors",
        "roles",
        "senders",
        "databases",
        "extensions",
        "origins",
        "unlogged",
        "tables",
    )
    for node in [look.node for look in draft.found.looks]:
        draft.read(node, **dict.fromkeys(hidden), unseen=dict.fromkeys(hidden, "hidden"))
    rule = AUDIT_RULES[case.rule]
    if hidden_reads(rule.reads):
        assert case.rule not in draft.rules()


def hidden_reads(reads: tuple[str, ...]) -> bool:
    return any("." not in name and "(" not in name and not name.startswith("pg_") for name in reads)


def test_an_orchestrator_names_the_synchronous_standbys() -> None:
    """Patroni names another one when one is gone, so one candidate is no mistake there; nobody at all is one.

    https://patroni.readthedocs.io/en/latest/replication_modes.html#synchronous-mode
    """
    draft = Draft().put("pg-1", synchronous_standby_names='"pg-2"').put("pg-2", synchronous_standby_names='"pg-2"')
    assert {"PG-SYNC-002", "PG-SYNC-007"} <= draft.rules()
    for name in ("pg-1", "pg-2"):
        draft.sampled(name, node=replace(draft.sample_of(name).node, flavour="patroni"))
    assert not {"PG-SYNC-002", "PG-SYNC-007"} & draft.rules()
    assert "PG-SYNC-001" in draft.put("pg-1", synchronous_standby_names="gone").rules()


def test_commits_that_wait_for_nobody_do_not_hang() -> None:
    """With synchronous_commit local the missing standby stops no commit, and the names protect nothing."""
    rules = Draft().put("pg-1", synchronous_standby_names="gone", synchronous_commit="local").rules()
    assert "PG-SYNC-001" not in rules
    assert "PG-SYNC-004" in rules


def test_every_rule_has_a_case() -> None:
    """A rule without a violation that it finds is not shipped."""
    assert sorted(case.rule for case in CASES) == sorted(AUDIT_RULES)
    assert len(AUDIT_RULES) >= 60


@pytest.mark.parametrize("major", [13, 14, 15, 16, 17, 18])
@pytest.mark.parametrize("kind", ["pair", "logical"])
def test_rightly_configured_servers_have_nothing_above_info(kind: str, major: int) -> None:
    """Of every version, but for the version itself; only what pg_monitor may not read is not judged."""
    report = Draft(kind, major).report()
    found = {finding.rule for finding in report.findings if finding.severity != "info"}
    assert {rule for rule in found if not rule.startswith(("PG-VER", "PG-ADV"))} == set()
    unseen = {each.rule for each in report.unseen if not each.rule.startswith("PG-VER")}
    assert unseen <= {"PG-CFG-002", "PG-PAR-011", "PG-SEC-003", "PG-SEC-007"}
