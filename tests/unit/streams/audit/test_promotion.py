"""Whether a standby may be promoted, on looks recorded from real servers."""

import pytest
from msgspec.structs import replace

from leadline_streams.audit.auditing import fleets
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.promotion import RISKS, STOPS, Readiness, readiness
from tests.unit.streams.audit import cases_others, cases_streaming
from tests.unit.streams.audit.changes import Case, P, S, rows
from tests.unit.streams.audit.draft import Draft

CASES = [each for each in (*cases_streaming.CASES, *cases_others.CASES) if each.kind == "pair"]


OF_THE_PRIMARY = {"PG-DUR-001", "PG-DUR-007"}
"""Rules whose case is about the primary."""


def asked(draft: Draft, standby: str = S, primary: str = P, **missing: str) -> Readiness:
    """The answer."""
    found = fleets(draft.found.samples, draft.found.looks, draft.found.links)
    return readiness(found[0] if found else None, draft.report(missing=missing), standby, primary)


def test_a_standby_that_is_ready() -> None:
    """Yes, with the amount of WAL that it does not have."""
    found = asked(Draft())
    assert (found.answer, found.reasons, found.stops) == ("yes", [], [])
    assert found.behind_bytes is not None
    assert found.others == ()


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.rule in STOPS - OF_THE_PRIMARY], ids=lambda case: case.rule
)
def test_each_defect_makes_it_a_no(case: Case) -> None:
    """With its reason and its steps."""
    draft = Draft(case.kind, case.major)
    case.bad(draft)
    found = asked(draft)
    assert found.answer == "no"
    if case.rule != "PG-CLU-001":  # then it is no standby any more
        assert case.rule in {each.rule for each in found.stops}


def test_a_defect_of_the_primary_is_not_the_standbys() -> None:
    """fsync counts where it is off."""
    assert asked(Draft().put(P, fsync="off")).answer == "yes"
    assert asked(Draft().put(S, fsync="off")).answer == "no"


@pytest.mark.parametrize("case", [each for each in CASES if each.rule in RISKS], ids=lambda case: case.rule)
def test_what_should_be_read_before_is_listed(case: Case) -> None:
    """And does not decide."""
    draft = Draft(case.kind, case.major)
    case.bad(draft)
    found = asked(draft)
    assert found.answer in ("yes", "no")
    subjects = {each.rule for each in found.risks}
    assert case.rule in subjects or case.rule in ("PG-CFG-001", "PG-DUR-006")  # these are of the primary there


def test_the_rules_exist() -> None:
    """A rule that was renamed must not be forgotten here."""
    assert set(AUDIT_RULES) >= STOPS | RISKS


def test_a_primary_that_does_not_answer() -> None:
    """Nobody can see then what is lost: the answer stays open."""
    draft = Draft()
    draft.found.samples = [each for each in draft.found.samples if each.node.name != P]
    found = asked(draft, **{P: "timeout"})
    assert found.answer == "cannot say"
    assert found.reasons[0] == f"{P} was not read: timeout"
    assert found.behind_bytes is None


def test_settings_that_are_hidden() -> None:
    """Hidden is no yes."""
    found = asked(Draft().read(S, settings=None, unseen={"settings": "GRANT pg_monitor shows them"}))
    assert found.answer == "cannot say"
    assert any("GRANT pg_monitor" in reason for reason in found.reasons)


def test_servers_that_are_no_pair() -> None:
    """In the wrong order, of another database, on an older timeline, or not connected."""
    assert asked(Draft(), standby=P, primary=S).reasons == [
        f"{P} is no standby: it takes writes",
        f"{S} is no primary: it is a standby itself",
    ]
    draft = Draft()
    draft.sampled(S, node=replace(draft.sample_of(S).node, system_id="1"))
    assert asked(draft).reasons == [f"{S} is a copy of another database than {P}"]
    draft = Draft()
    draft.sampled(P, node=replace(draft.sample_of(P).node, timeline=2))
    assert asked(draft).reasons == [f"{S} is on timeline 1 and {P} on 2"]
    draft = Draft()
    draft.found.links = [replace(each, verdict="cut_off") for each in draft.found.links]
    assert asked(draft).reasons == [f"{S} does not receive from {P} now: cut off"]
    draft.found.links = []
    assert asked(draft).reasons == [f"{S} does not follow {P}"]


def test_who_else_must_follow() -> None:
    """Standbys and subscribers of the primary that are connected to it."""
    draft = Draft()
    rows("pg-3", "reports")(draft)
    assert asked(draft).others == ("pg-3", "reports")
