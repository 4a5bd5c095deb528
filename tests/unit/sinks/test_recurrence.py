"""An incident that has ended is marked when an audit finds again what a measure against it was to prevent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from leadline.catalogue import CAUSES
from leadline.catalogue.measure import rules_of
from leadline.model.audit_result import FindingAcceptance, NotJudged
from leadline.model.incident import Incident
from leadline_sinks.incident_log.recurrence import EVERY_WATCHED, at_risk, candidates
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from tests.unit.sinks import made
from tests.unit.sinks.audited import audit, finding

DAY_S = 86400.0
RULE = "PG-SBY-001"
"""Watches a measure against standby_query_blocks_replay, the cause of ``made.incident()``."""


def day(days: float) -> datetime:
    """A time after the end of the incident."""
    return made.later(300) + timedelta(days=days)


def marked(
    ended: list[Incident], *found: Any, before: Any = "held", audited: float = 3.0, **fields: Any
) -> list[Incident]:
    """The records that follow from an audit three days after the end; the one before had no finding."""
    result = audit(day(audited), *found, **fields)
    last = audit(day(2)) if before == "held" else before
    return list(at_risk([(each, last) for each in candidates(result)], ended, result))


def test_a_measure_that_is_undone() -> None:
    """The next record of the incident has the rule, the measure, and since when; all else is unchanged."""
    (record,) = marked([made.resolved(9)], finding(RULE, "pg-2", day(3)))
    (found,) = record.recurrences
    assert (found.rule, found.subject, found.at) == (RULE, "orders/pg-2", day(3))
    assert found.measure.startswith("Alert when max_standby_streaming_delay is -1 anywhere")
    assert (record.seq, record.state, record.resolved_at) == (10, "resolved", made.later(300))
    assert record.timeline == made.resolved(9).timeline


def test_it_is_marked_once() -> None:
    """Neither a repetition nor the next audits mark it again; after it held once more, they do."""
    first = finding(RULE, "pg-2", day(3))
    (record,) = marked([made.resolved(9)], first)
    assert marked([record], first) == []
    assert marked([record], first, before=audit(day(2)), audited=4) == []
    (again,) = marked([record], finding(RULE, "pg-2", day(6)), before=audit(day(5)), audited=6)
    assert [each.at for each in again.recurrences] == [day(3), day(6)]
    assert again.seq == 11


def test_what_was_found_in_the_first_day_is_marked_after_it() -> None:
    """The judgement may reopen an incident within a day."""
    found = finding(RULE, "pg-2", day(0.5))
    held = audit(day(0.1))
    assert marked([made.resolved()], found, before=held, audited=0.6) == []
    assert len(marked([made.resolved()], found, before=held, audited=1.6)) == 1


@pytest.mark.parametrize(
    ("found", "before"),
    [
        (finding("PG-SEC-002", "pg-2", day(3)), "held"),
        (finding(RULE, "pg-2", day(-1)), "held"),
        (finding(RULE, "pg-2", day(3), judged=False), "held"),
        (finding(RULE, "pg-2", day(3), accepted=FindingAcceptance(owner="a", reason="b", until="2027-01-01")), "held"),
        (finding(RULE, "pg-2", day(3)), None),
        (finding(RULE, "pg-2", day(3)), audit(day(2), finding(RULE, "pg-2", day(1)))),
        (finding(RULE, "pg-4", day(3)), "held"),
        (finding(RULE, "pg-2", day(3)), audit(day(2), nodes=())),
        (finding(RULE, "pg-2", day(3)), audit(day(2), left_out={"findings": 3})),
        (
            finding(RULE, "pg-2", day(3)),
            audit(day(2), not_judged=(NotJudged(rule=RULE, subject="orders/pg-2", reason="it was not read"),)),
        ),
        (
            finding(RULE, "pg-2", day(3)),
            audit(day(2), not_judged=(NotJudged(rule="", subject="orders/pg-2", reason="it did not answer"),)),
        ),
    ],
    ids=[
        *("watches-nothing", "violated-all-the-time", "not-judged-now", "accepted", "no-audit-before"),
        *("found-before", "a-new-server", "not-read-before", "left-out-before", "not-judged-before", "down-before"),
    ],
)
def test_what_is_no_recurrence(found: Any, before: Any) -> None:
    """The rule did not hold before, or may not have."""
    assert marked([made.resolved()], found, before=before) == []


@pytest.mark.parametrize(
    "incident",
    [
        made.incident(),
        made.resolved(merged_into=made.incident().incident_id),
        made.resolved(causes=[made.UNKNOWN]),
        made.resolved(causes=[made.cause("slot_abandoned")]),
        made.resolved(resolved_at=day(4)),
    ],
    ids=["open", "merged", "unknown", "another-cause", "after-the-audit"],
)
def test_which_incidents_cannot_return_by_it(incident: Incident) -> None:
    assert marked([incident], finding(RULE, "pg-2", day(3))) == []


def test_one_finding_is_one_notice() -> None:
    """Of several incidents of one cause, the one that ended last is marked; several servers are one mark."""
    older = made.resolved(opened_at=made.later(-9000), resolved_at=made.later(-8000))
    (record,) = marked([older, made.resolved()], finding(RULE, "pg-2", day(3)), finding(RULE, "pg-3", day(3)))
    assert record.incident_id == made.incident().incident_id
    assert len(record.recurrences) == 1


def test_measures_name_rules_that_exist() -> None:
    """Every rule that watches a measure is a rule of the audit, and is named for it once."""
    assert set(AUDIT_RULES) | {"PG-VER-002"} >= EVERY_WATCHED
    for entry in CAUSES.values():
        for measure in (*entry.improvements, *entry.tasks):
            assert len(set(rules_of(measure))) == len(rules_of(measure))
    assert len(EVERY_WATCHED) > 30


def test_setting_related_causes_have_a_guard() -> None:
    """A cause that a setting brings about has a measure that the audit watches."""
    codes = ("standby_query_blocks_replay", "slot_abandoned", "settings_differ", "slot_missing", "sync_standby_missing")
    codes += ("wal_removed", "too_many_wal_senders", "replica_identity_missing", "timeline_not_followed")
    for code in codes:
        entry = CAUSES[code]
        assert any(rules_of(measure) for measure in (*entry.improvements, *entry.tasks)), code
