"""Whether a planned switchover can be done, on looks recorded from real servers."""

import pytest
from msgspec.structs import replace

from leadline.model.audit_look import AuditedRole
from leadline.model.replication import Slot, Upstream
from leadline_streams.audit.auditing import audited, fleets
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.promotion import STOPS
from leadline_streams.audit.engines.postgresql.switchover import KNOW, STARTS_BADLY, Switchover, switchovers
from leadline_streams.audit.engines.postgresql.turned import BACK, FORTH
from leadline_streams.engines.postgresql.flavours import worded
from tests.unit.streams.audit.changes import LOGICAL, P, S, T, rows
from tests.unit.streams.audit.draft import Draft
from tests.unit.streams.audit.test_promotion import CASES, OF_THE_PRIMARY

LIBRARIES = "shared_preload_libraries"


def answers(draft: Draft, to: str | None = None) -> list[Switchover]:
    (fleet,) = fleets(draft.found.samples, draft.found.looks, draft.found.links)
    at = draft.found.samples[0].sent_at
    return switchovers(fleet, draft.report(), lambda then: audited([then], AUDIT_RULES.values(), worded, at), to)


def asked(draft: Draft) -> Switchover:
    (found,) = answers(draft)
    return found


def rules(found: Switchover) -> set[str]:
    return {each.rule for each in found.reasons}


def with_a_third(follows: str) -> Draft:
    """A second standby, of the primary or of the first one."""
    draft = Draft()
    (link,) = draft.found.links
    sample, look = draft.sample_of(S), draft.look_of(S)
    upstream = replace(sample.upstream or Upstream(), application_name=T, slot=None)
    third = replace(sample, node=replace(sample.node, name=T), upstream=upstream)
    draft.found.samples.append(third)
    draft.found.looks.append(replace(look, node=T))
    draft.put(T, primary_slot_name="")
    draft.found.links.append(replace(link, upstream=follows, downstream=T, link=f"main/{follows}->{T}"))
    return draft


def test_a_pair_that_is_ready() -> None:
    """Yes in both directions; the old primary follows the new one."""
    found = asked(Draft())
    assert (found.answer, found.back, found.reasons) == ("yes", "yes", [])
    assert found.follow == [P]
    assert found.behind_bytes is not None
    assert any("pg_hba_file_rules" in text for text in found.not_seen)


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.rule in STOPS - OF_THE_PRIMARY - {"PG-CLU-001"}], ids=lambda case: case.rule
)
def test_what_forbids_a_promotion_forbids_a_switchover(case: object) -> None:
    """With the rule that says so."""
    draft = Draft(case.kind, case.major)  # type: ignore[attr-defined]
    case.bad(draft)  # type: ignore[attr-defined]
    found = asked(draft)
    assert found.answer == "no"
    assert case.rule in rules(found)  # type: ignore[attr-defined]


def test_the_old_primary_must_be_able_to_follow() -> None:
    """With fewer connections than the new primary it does not start; so with a recovery target of an old restore."""
    found = asked(Draft().put(S, max_connections="200"))
    assert (found.answer, rules(found)) == ("no", {"PG-PAR-001"})
    assert found.reasons[0].text.startswith(f"max_connections is 50 on {P} and 200 on {S}")
    assert rules(asked(Draft().put(P, recovery_target_time="2026-01-01"))) == {"PG-SBY-011"}
    assert rules(asked(Draft().put(P, recovery_target_timeline="current"))) == {"PG-SBY-010"}


def test_the_new_primary_must_be_able_to_serve() -> None:
    """An archive without a command, which harms no standby, fills the disk of a primary."""
    found = asked(Draft().put(S, archive_mode="on", archive_command=""))
    assert rules(found) == {"PG-ARC-002"}
    assert any("archive_command" in (step.text or "") for step in found.reasons[0].steps)


def test_synchronous_commits_of_the_new_primary() -> None:
    """The name under which the old one must follow is listed; two that nobody has are a no. Patroni sets them."""
    found = asked(Draft().put(S, synchronous_standby_names='"pg-1"'))
    assert found.answer == "yes"
    assert f"commits on {S} will wait for pg-1: let {P} follow it under that name" in found.to_know
    quorum = Draft().put(S, synchronous_standby_names="ANY 2 (a, b)")
    assert rules(asked(quorum)) == {"PG-SYNC-001"}
    for name in (P, S):
        quorum.sampled(name, node=replace(quorum.sample_of(name).node, flavour="patroni"))
    assert asked(quorum).answer == "yes"


def test_going_back() -> None:
    """A library that only the new primary loads makes the old one unfit to be the primary again, not to follow."""
    found = asked(Draft().put(S, **{LIBRARIES: "pgaudit"}))
    assert (found.answer, found.back) == ("yes", "no")
    assert [each.rule for each in found.back_reasons] == ["PG-PAR-006"]


def test_subscribers_need_their_slots_there() -> None:
    """A failover slot that is synchronized is there; one that is not yet, or that no version synchronizes, is not."""
    here, synced = Slot(name="sub", **LOGICAL, failover=True), Slot(name="sub", **LOGICAL, failover=True, synced=True)
    draft = Draft()
    draft.sampled(P, slots=(*draft.sample_of(P).slots, here))
    found = asked(draft)
    assert found.answer == "no"
    assert f"slot sub of {P} is not on {S}: its subscriber could not go on" in [each.text for each in found.reasons]
    assert asked(draft.sampled(S, slots=(synced,))).answer == "yes"
    draft.sampled(S, slots=(replace(synced, temporary=True),))
    assert asked(draft).answer == "no"
    old = Draft(major=15)
    old.sampled(P, slots=(*old.sample_of(P).slots, Slot(name="sub", **LOGICAL)))
    assert any("before PostgreSQL 17" in each.text for each in asked(old).reasons)


def test_a_standby_that_was_not_given() -> None:
    """Whether it can follow is not seen, so the answer stays open. A program that keeps WAL is only mentioned."""
    draft = Draft()
    rows("pg-9")(draft)
    found = asked(draft)
    assert (found.answer, found.not_seen[0]) == ("cannot say", f"pg-9 follows {P} and was not given")
    draft = Draft()
    rows("receiver", kind="backup")(draft)
    found = asked(draft)
    assert (found.answer, found.to_know) == ("yes", [f"receiver keeps the WAL of {P}, and must be pointed to {S}"])


def test_another_standby_must_be_able_to_follow() -> None:
    """Its settings are compared with those of the new primary, and its slot must be there; both are judged."""
    first, second = answers(with_a_third(P))
    assert (first.standby, first.answer, first.follow) == (S, "yes", [T, P])
    assert (second.standby, second.answer, second.follow) == (T, "no", [S, P])
    assert [each.text for each in second.reasons] == [f"{S} asks for slot pg_2, which {T} does not have"]
    lower = answers(with_a_third(P).put(T, max_worker_processes="4"), S)
    assert [(each.standby, each.answer) for each in lower] == [(S, "no")]
    assert any(T in each.text for each in lower[0].reasons)
    (found,) = answers(with_a_third(P).put(T, primary_slot_name="pg_3"), S)
    assert [each.text for each in found.reasons] == [f"{T} asks for slot pg_3, which {S} does not have"]
    assert any((step.sql or "").startswith("SELECT pg_create_physical") for step in found.reasons[0].steps)


def test_a_cascade() -> None:
    """The standby of a standby stays where it is, and cannot be switched to by itself."""
    (found,) = answers(with_a_third(S))
    assert (found.standby, found.answer) == (S, "yes")
    assert sorted(found.follow) == [P, T]
    (found,) = answers(with_a_third(S), T)
    assert found.answer == "no"
    assert found.reasons[0].text.startswith(f"{T} follows {S}, which is a standby")


def test_a_subscriber_is_no_standby() -> None:
    """A publisher and its subscriber alone: sequences and schema are not there."""
    (found,) = answers(Draft("logical"))
    assert found.answer == "no"
    assert "sequences" in found.reasons[0].text


def test_a_password_that_has_expired() -> None:
    """Connections that are open go on; after a switchover all are new."""
    draft = Draft()
    role = AuditedRole(name="replicator", superuser=False, replication=True, login=True, expires_s=-5.0)
    found = asked(draft.read(P, roles=(role,)))
    assert "PG-SEC-004" in rules(found)


def test_hidden_settings_leave_the_answer_open() -> None:
    """Of either server."""
    for name in (P, S):
        found = asked(Draft().read(name, settings=None, unseen={"settings": "GRANT pg_monitor shows them"}))
        assert found.answer == "cannot say"
        assert any("GRANT pg_monitor" in text for text in found.not_seen)


def test_the_rules_exist() -> None:
    """A rule that was renamed must not be forgotten here."""
    assert set(AUDIT_RULES) >= FORTH | BACK | KNOW | STARTS_BADLY
