"""Support, minor releases and known defects, on looks recorded from real servers."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.audit_look import AuditedSubscription
from leadline.model.replication import Downstream, Slot, Subscription
from leadline_streams.audit.engines.postgresql.conditions import CONDITIONS, LINK_CONDITIONS
from leadline_streams.audit.engines.postgresql.patch_level import patch_rules, weight
from tests.unit.streams.audit.changes import LOGICAL, P, S
from tests.unit.streams.audit.draft import FACTS, Draft

DAY = date(2026, 11, 30)


def of_version(draft: Draft, version: str, *nodes: str) -> Draft:
    """The same servers with another minor."""
    major, minor = map(int, version.split("."))
    for node in nodes or (P, S):
        here = draft.sample_of(node).node
        draft.sampled(node, node=replace(here, version=version, version_num=major * 10000 + minor))
    return draft


def found(draft: Draft, today: date = DAY) -> dict[str, str]:
    """The severity of each rule that finds something about versions, and what could not be judged."""
    report = draft.report(today)
    rules = {each.rule: each.severity for each in report.findings if each.rule.startswith(("PG-VER", "PG-ADV"))}
    return rules | {each.rule: "not judged" for each in report.unseen if each.rule.startswith("PG-VER")}


def test_the_newest_minor_has_nothing() -> None:
    """17.12 is the newest that the facts have."""
    assert found(of_version(Draft(major=17), "17.12")) == {}


def test_a_newest_minor_that_must_have_a_successor_is_not_called_the_newest() -> None:
    """The facts of 18 end with a minor of August: 13 weeks later there must be another. A last minor has none."""
    assert found(of_version(Draft(), "18.6"), date(2026, 11, 12)) == {}
    assert found(of_version(Draft(), "18.6")) == {"PG-VER-002": "not judged"}
    assert found(of_version(Draft(major=13), "13.23")) == {"PG-VER-001": "warning"}


def test_a_version_newer_than_the_facts_is_not_guessed() -> None:
    """A minor or a major that the facts do not have is not judged."""
    assert found(of_version(Draft(), "18.7")) == {"PG-VER-002": "not judged"}
    assert found(of_version(Draft(), "19.0")) == {"PG-VER-002": "not judged"}


def test_a_major_that_is_not_supported() -> None:
    """From the day of its last minor on."""
    assert found(of_version(Draft(major=14), "14.24"), date(2026, 11, 12))["PG-VER-001"] == "warning"
    assert "PG-VER-001" not in found(of_version(Draft(major=14), "14.24"), date(2026, 11, 11))


def test_a_minor_that_is_missing() -> None:
    """One is mentioned, a year's are a warning; the evidence has the defects without a finding of their own."""
    assert found(of_version(Draft(), "18.4"))["PG-VER-002"] == "info"
    draft = of_version(Draft(), "18.2")
    assert found(draft)["PG-VER-002"] == "warning"
    (first, *_) = [each for each in draft.report(DAY).findings if each.rule == "PG-VER-002"]
    assert "PG-ADV-007" in {each.name for each in first.evidence}


def test_facts_that_are_old() -> None:
    """After more than one regular minor release."""
    assert "PG-VER-003" not in found(of_version(Draft(), "18.6"), date(2027, 2, 10))
    assert found(of_version(Draft(), "18.6"), date(2027, 2, 12))["PG-VER-003"] == "info"


def test_synchronous_replication_only_where_it_is_on() -> None:
    """17.4 commits do not wait just after a start."""
    draft = of_version(Draft(major=17), "17.4")
    assert "PG-ADV-037" not in found(draft)
    assert found(draft.put(P, synchronous_standby_names='"pg-2"'))["PG-ADV-037"] == "critical"


def test_a_standby_that_is_newer_than_its_primary() -> None:
    """Both ends' versions count; the regression does not reach minors before it."""
    assert found(of_version(of_version(Draft(), "18.1", P), "18.2", S))["PG-ADV-001"] == "warning"
    assert "PG-ADV-001" not in found(of_version(Draft(), "18.2"))
    assert "PG-ADV-001" not in found(of_version(of_version(Draft(), "18.0", P), "18.1", S))
    assert "PG-ADV-001" not in found(of_version(of_version(Draft(), "18.1", P), "18.4", S))


def test_a_regression_reaches_only_the_minors_that_have_it() -> None:
    """The 2025-05 minors brought it, the 2025-08 ones repaired it."""
    assert "PG-ADV-027" not in found(of_version(Draft(major=17).slot(P, **LOGICAL), "17.4"))
    assert found(of_version(Draft(major=17).slot(P, **LOGICAL), "17.5"))["PG-ADV-027"] == "warning"
    assert "PG-ADV-027" not in found(of_version(Draft(major=17).slot(P, **LOGICAL), "17.6"))


def test_ten_of_the_seventeens() -> None:
    """17.10 is later than 17.9: versions are pairs of numbers."""
    assert "PG-ADV-004" not in found(of_version(Draft(major=17).put(S, sync_replication_slots="on"), "17.10"))
    assert "PG-ADV-004" in found(of_version(Draft(major=17).put(S, sync_replication_slots="on"), "17.9"))


def subscribed(**fields: Any) -> Callable[[Draft], Draft]:
    return lambda draft: draft.sampled(P, subscriptions=(Subscription(name="one", **fields),))


HOLDS: dict[str, tuple[str, Callable[[Draft], Draft]]] = {
    "deferred_cleanup": (P, lambda draft: draft.put(P, vacuum_defer_cleanup_age="1")),
    "has_standbys": (S, lambda draft: draft.sampled(S, downstreams=(Downstream(name="pg-3"),))),
    "incremental_backup": (P, lambda draft: draft.put(P, summarize_wal="on")),
    "incremental_backup_without_hints": (
        P,
        lambda draft: draft.put(P, summarize_wal="on", data_checksums="off", wal_log_hints="off"),
    ),
    "logical_slots": (P, lambda draft: draft.slot(P, **LOGICAL)),
    "lost_slots": (P, lambda draft: draft.slot(P, **LOGICAL, wal_status="lost")),
    "parallel_apply": (
        P,
        lambda draft: subscribed()(draft).read(P, subscriptions=(AuditedSubscription(name="one", parallel=True),)),
    ),
    "publications": (P, lambda draft: draft.sampled(P, publications=("one",))),
    "slot_sync": (S, lambda draft: draft.put(S, sync_replication_slots="on")),
    "slots": (S, lambda draft: draft.sampled(S, slots=(Slot(name="one"),))),
    "standby_with_archive": (S, lambda draft: draft.put(S, restore_command="cp %f %p")),
    "standby_with_logical_slots": (S, lambda draft: draft.slot(S, **LOGICAL)),
    "standby_with_two_phase": (S, lambda draft: draft.put(S, max_prepared_transactions="5")),
    "subscriptions": (P, subscribed()),
    "subscriptions_without_origin": (P, subscribed(origin="none")),
    "synchronized_slots": (P, lambda draft: draft.put(P, synchronized_standby_slots="pg_2")),
    "synchronous": (P, lambda draft: draft.put(P, synchronous_standby_names="*")),
    "two_phase": (P, lambda draft: draft.put(P, max_prepared_transactions="5")),
    "two_phase_slots": (P, lambda draft: draft.slot(P, **LOGICAL, two_phase=True)),
    "wal_keep_size": (P, lambda draft: draft.put(P, wal_keep_size="64")),
}
OF_THE_ROLE = {"always", "standby", "standby_with_checksums"}
"""Conditions that hold for the recorded servers."""


@pytest.mark.parametrize("name", sorted(HOLDS))
def test_a_condition_holds_where_it_is_so_and_nowhere_else(name: str) -> None:
    """On the recorded servers it does not; after one change it does."""
    node, change = HOLDS[name]
    draft = Draft()
    assert not CONDITIONS[name](next(each for each in draft.found.fleet.nodes if each.name == node))
    change(draft)
    assert CONDITIONS[name](next(each for each in draft.found.fleet.nodes if each.name == node))


def test_every_condition_is_tested_and_used() -> None:
    """The data names no condition that nothing tests, and nothing tests one that the data does not name."""
    named = {each.condition for each in FACTS.advisories}
    assert named == set(CONDITIONS) | set(LINK_CONDITIONS)
    assert set(CONDITIONS) == set(HOLDS) | OF_THE_ROLE
    by_name = {str(each.name): each for each in Draft().found.fleet.nodes}
    assert not CONDITIONS["standby"](by_name[P])
    assert CONDITIONS["standby"](by_name[S])
    assert CONDITIONS["standby_with_checksums"](by_name[S])
    assert not CONDITIONS["standby_with_checksums"](by_name[P])


def test_a_condition_that_nothing_tests_is_refused() -> None:
    """It would never be found, and nobody would notice."""
    wrong = replace(FACTS, advisories=(replace(FACTS.advisories[0], condition="full moon"),))
    with pytest.raises(UsageError, match="there is no condition full moon"):
        patch_rules(wrong, DAY)


def test_a_cascade_that_read_from_its_archive() -> None:
    """Of a standby that follows another standby; one that follows the primary has nothing to connect again to."""
    draft = of_version(Draft(), "18.4").put(S, restore_command="cp %f %p")
    assert "PG-ADV-111" not in found(draft)
    draft.sampled(P, node=replace(draft.sample_of(P).node, role="standby"))
    assert found(draft)["PG-ADV-111"] == "warning"
    assert "PG-ADV-111" not in found(of_version(draft, "18.6", S))


def test_an_event_that_no_look_shows_makes_a_loss_no_alarm() -> None:
    """DDL at the very moment of a change is rare; every subscriber has subscriptions."""
    draft = of_version(Draft(major=17).sampled(P, subscriptions=(Subscription(name="one"),)), "17.11")
    assert found(draft)["PG-ADV-106"] == "warning"


def test_what_loses_data_is_never_only_mentioned() -> None:
    """Nor is what stops replication, where it is used."""
    for each in FACTS.advisories:
        if each.effect_is == "lost data":
            assert weight(each) != "info", each.id
