"""A finding of a verification joins the problem that explains it, or opens one with its causes."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.alert import Evidence
from leadline.model.finding import FindingReport
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.verification import (
    ReportedRow,
    SequenceDifference,
    TableDifference,
    TableVerification,
    Verification,
)
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.judge.cluster import ClusterState
from leadline_verify.findings import findings_of
from tests.unit.streams.causes.logical import COUNTED, logical, rising, run
from tests.unit.streams.world import World, at

MISSING = TableDifference(table="public.items", missing=1, first=[ReportedRow(kind="missing", key="id=5")])
CHANGED = TableDifference(
    table="public.items", changed=1, first=[ReportedRow(kind="changed", key="id=5", columns=["price"])]
)
EXTRA = TableDifference(table="public.items", extra=1, first=[ReportedRow(kind="extra", key="id=5")])


class Verifier:
    """Reports verifications of the only link of a world, as the verifying process does."""

    def __init__(self, world: World, boot: str = "b1") -> None:
        self.world, self.boot, self.seq = world, boot, 0
        (link,) = world.state.memory.links.values()
        self.last = Verification(
            cluster=ClusterName(world.cluster),
            link=LinkId(link.id),
            upstream=NodeName(link.upstream),
            downstream=NodeName(link.downstream),
            link_kind=link.kind,
            name=link.name,
            run_id="run_1",
            started_at=at(world.time - 60),
            ended_at=at(world.time),
            asked_at=at(world.time),
            outcome="equal",
            canary="found",
            equal_at=at(world.time),
        )

    def report(self, *differences: TableDifference, valid_s: float = 3600.0, **changed: Any) -> None:
        """The next report; its bytes go over the wire."""
        self.seq += 1
        tables = [TableVerification(table=each.table, coverage=1.0, difference=each) for each in differences]
        self.last = replace(self.last, **{"tables": tables, "ended_at": at(self.world.time), **changed})
        report = FindingReport(
            cluster=self.last.cluster,
            source=f"verify {self.last.link}",
            boot=self.boot,
            seq=self.seq,
            sent_at=at(self.world.time) + timedelta(milliseconds=500),
            valid_s=valid_s,
            findings=findings_of(self.last, at(self.world.time)),
        )
        seen: Any = OBSERVATIONS.decode(encode(report))
        assert seen == report
        self.world.outputs += self.world.state.observe(seen)


def steps(world: World, rule: str) -> list[tuple[str, str]]:
    return [(each.to, each.severity) for each in world.transitions if each.rule == rule]


def test_a_divergence_opens_an_incident() -> None:
    """The page has table, key, kind and a cause; what nothing shows is a guess, with steps that only look."""
    world = logical()
    verifier = Verifier(world)
    verifier.report(EXTRA)
    run(world, 5)
    assert steps(world, "data_divergence") == [("firing", "warning")]
    incident = world.incidents[-1]
    cause = incident.causes[0]
    assert (cause.code, incident.rules) == ("subscriber_local_writes", ["data_divergence"])
    assert cause.confidence < 0.5
    assert {step.risk for step in cause.steps} == {"look"}
    assert "public.items: id=5 is extra" in cause.summary
    assert "pg-3" in incident.title
    verifier.report()
    run(world, 10)
    assert world.incidents[-1].state == "resolved"


def test_it_joins_the_incident_of_its_conflict() -> None:
    """A change that met no row and the row that is missing are one problem: one incident, with both as evidence."""
    world = logical()
    run(world, 10, conflicts=rising("update_missing"))
    opened = {each.incident_id for each in world.incidents}
    assert len(opened) == 1
    Verifier(world).report(MISSING)
    run(world, 5, conflicts={**COUNTED, "update_missing": 20})
    last = world.incidents[-1]
    assert {each.incident_id for each in world.incidents} == opened
    assert set(last.rules) == {"apply_conflict", "data_divergence"}
    assert last.causes[0].code == "subscriber_missing_row"
    assert "public.items: id=5 is missing" in [each.note for each in last.causes[0].evidence_for]


def test_a_conflict_of_long_ago() -> None:
    """Its counters are left: they name the cause when the difference is found a day later."""
    world = logical()
    long_ago = {**COUNTED, "update_missing": 1}
    run(world, 320, conflicts=long_ago)
    assert world.incidents[-1].state == "resolved"
    Verifier(world).report(MISSING)
    run(world, 5, conflicts=long_ago)
    cause = world.incidents[-1].causes[0]
    assert (cause.code, cause.confidence) == ("subscriber_missing_row", 0.8)
    assert "1 change of rows that were not there" in cause.summary


def test_a_skipped_transaction() -> None:
    """Its finish LSN was set and is gone: it names the subscription, the row, and that others may be missing."""
    world = logical()
    run(world, 5, skip_lsn="0/1000100", apply_errors=3)
    run(world, 20, apply_errors=3)
    Verifier(world).report(MISSING)
    run(world, 5, apply_errors=3)
    cause = world.incidents[-1].causes[0]
    assert (cause.code, cause.confidence) == ("transaction_skipped", 0.92)
    assert "id=5 is missing" in cause.summary


def test_a_transaction_that_may_have_been_skipped() -> None:
    """Errors that are over do not show how they ended."""
    world = logical()
    Verifier(world).report(CHANGED)
    run(world, 5, apply_errors=3)
    cause = world.incidents[-1].causes[0]
    assert (cause.code, cause.confidence) == ("transaction_skipped", 0.4)
    assert cause.not_seen


@pytest.mark.parametrize(
    ("table", "sign", "code"),
    [
        (EXTRA, "deletes_not_published", "changes_not_published"),
        (CHANGED, "updates_not_published", "changes_not_published"),
        (CHANGED, "trigger_fires_on_apply", "subscriber_rewrites_rows"),
    ],
)
def test_signs_on_the_servers(table: TableDifference, sign: str, code: str) -> None:
    """Publication and triggers, as the verifier saw them, name the cause of the kind of difference that it leads to."""
    world = logical()
    Verifier(world).report(replace(table, signs=[Evidence(name=sign, value="as it is")]))
    run(world, 5)
    assert world.incidents[-1].causes[0].code == code


def test_updates_that_are_not_published_explain_no_extra_row() -> None:
    """The kind of difference must be that which the sign leads to."""
    world = logical()
    Verifier(world).report(replace(EXTRA, signs=[Evidence(name="updates_not_published", value="")]))
    run(world, 5)
    assert "changes_not_published" not in {each.code for each in world.incidents[-1].causes}


def test_a_standby_with_other_rows() -> None:
    """Its files differ; no step discards it."""
    world = World()
    up, down = world.pair()
    for _ in range(5):
        world.stream(up, down)
        world.step()
    Verifier(world).report(CHANGED)
    for _ in range(5):
        world.stream(up, down)
        world.step()
    cause = world.incidents[-1].causes[0]
    assert cause.code == "standby_data_damaged"
    assert "public.items: id=5 is changed (price)" in cause.summary
    assert {step.risk for step in cause.steps} <= {"look", "careful"}


def test_the_age_of_a_proof_grows_without_its_verifier() -> None:
    """A verifier that died reports no age: it fires all the same, and a proof ends it."""
    world = logical({"consistency_unverified": {"warning": 120.0}})
    verifier = Verifier(world)
    verifier.report(valid_s=30.0)
    run(world, 100)
    assert steps(world, "consistency_unverified") == []
    run(world, 40)
    assert steps(world, "consistency_unverified") == [("firing", "warning")]
    assert world.incidents == []
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    again = Verifier(world, "b2")
    again.report(equal_at=at(world.time))
    run(world, 2)
    assert steps(world, "consistency_unverified")[-1][0] == "resolved"


def test_a_verifier_that_died_leaves_differences_unknown() -> None:
    """Nothing but a comparison clears them, and a worker that takes over has them still."""
    world = logical()
    Verifier(world).report(MISSING, valid_s=20.0)
    run(world, 5)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    run(world, 30)
    assert steps(world, "data_divergence") == [("firing", "warning"), ("unknown", "warning")]
    Verifier(world, "b2").report(MISSING)
    run(world, 2)
    assert steps(world, "data_divergence")[-1][0] == "firing"


def test_sequences_are_a_notice_until_the_cut_over() -> None:
    """Always so on a subscriber; a page where it is about to take writes."""
    world = logical()
    verifier = Verifier(world)
    behind = [SequenceDifference(sequence="public.items_id_seq", upstream_value=70, downstream_value=1)]
    verifier.report(sequences_behind=behind)
    run(world, 5)
    assert steps(world, "sequence_behind") == [("firing", "warning"), ("firing", "warning")]
    last = [each for each in world.transitions if each.reason == "diagnosed"][-1]
    assert last.causes[0].code == "sequences_not_replicated"
    assert "public.items_id_seq 1, there 70" in last.summary
    assert world.incidents == []
    verifier.report(sequences_behind=behind, cut_over=True)
    run(world, 5)
    assert world.incidents[-1].rules == ["sequence_behind"]


def test_a_blind_verification_is_a_notice() -> None:
    """It says that nothing is proven."""
    world = logical()
    Verifier(world).report(canary="missed")
    run(world, 2)
    assert steps(world, "checker_blind") == [("firing", "warning")]
    assert world.incidents == []
