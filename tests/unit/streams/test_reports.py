"""Findings that no sample shows live as alerts do: they fire, clear, become unknown, and belong to the incident."""

from datetime import timedelta
from typing import Any

import pytest

from leadline.errors import BadRecord
from leadline.model.alert import Subject
from leadline.model.finding import Finding, FindingReport
from leadline.model.ids import ClusterName, NodeName
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import ENGINES
from leadline_streams.causes import CAUSES
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.policy import Limits, Policy
from leadline_streams.judge.rule import RuleBase
from leadline_streams.rules import RULES
from tests.unit.streams.world import World, at

SOURCE = "verify pg-1->pg-2"
DIFFERS = RuleBase(name="replication_lag", limits=Limits(warning=1.0, critical=100.0, for_s=0.0, keep_s=0.0))
"""Any entry of the catalogue will do: no source of findings exists yet."""
TABLE = Subject(kind="table", id="orders/pg-2/table/public.items", node=NodeName("pg-2"), name="public.items")


class Watched(World):
    """A pair, and a rule whose values are reported."""

    def __init__(self) -> None:
        super().__init__()
        rules = {name: rule for name, rule in RULES.items() if name != DIFFERS.name}
        self.judgement = Judgement(Policy(quiet_s=5.0), ENGINES, rules, CAUSES, {DIFFERS.name: DIFFERS})
        self.state = ClusterState(self.cluster, self.judgement)
        self.up, self.down = self.pair()
        self.reported = 0

    def live(self, seconds: int) -> None:
        """The servers are healthy."""
        for _ in range(seconds):
            self.stream(self.up, self.down)
            self.step()

    def report(self, *values: float, valid_s: float = 60.0, boot: str = "b") -> None:
        """The source reports; its bytes go over the wire."""
        self.reported += 1
        findings = [
            Finding(rule=DIFFERS.name, subject=TABLE, value=value, summary="rows differ", node=NodeName("pg-2"))
            for value in values
        ]
        report = FindingReport(
            cluster=ClusterName(self.cluster),
            source=SOURCE,
            boot=boot,
            seq=self.reported,
            sent_at=at(self.time) + timedelta(milliseconds=500),
            valid_s=valid_s,
            findings=findings,
        )
        seen: Any = OBSERVATIONS.decode(encode(report))
        assert seen == report
        self.outputs += self.state.observe(seen)

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The transitions of the finding's alert."""
        return [(each.to, each.severity) for each in self.transitions if each.subject == TABLE]


def test_a_reported_finding_is_an_alert_and_an_incident() -> None:
    """It has the same lifecycle: limits, severity, an incident; a report without it clears it."""
    world = Watched()
    world.live(5)
    world.report(3.0)
    world.live(5)
    assert world.steps == [("firing", "warning")]
    assert world.incidents[-1].rules == [DIFFERS.name]
    world.report(300.0)
    world.live(5)
    assert world.steps[-1] == ("firing", "critical")
    world.report()
    world.live(10)
    assert world.steps[-1][0] == "resolved"
    assert world.incidents[-1].state == "resolved"


def test_a_finding_within_limits_is_none() -> None:
    """The rule's limits decide, not the source."""
    world = Watched()
    world.live(5)
    world.report(0.5)
    world.live(5)
    assert world.steps == []


def test_the_findings_of_a_silent_source_are_unknown() -> None:
    """Missing reports never clear an alert; the next one brings it back."""
    world = Watched()
    world.live(5)
    world.report(3.0, valid_s=10.0)
    world.live(20)
    assert world.steps == [("firing", "warning"), ("unknown", "warning")]
    world.report(3.0)
    world.live(5)
    assert [to for to, _ in world.steps] == ["firing", "unknown", "firing"]


def test_a_report_read_twice_counts_once() -> None:
    """A repeated record changes nothing, also when it comes after a newer one."""
    world = Watched()
    world.live(5)
    world.report(3.0)
    world.live(3)
    world.report()
    world.live(3)
    before = len(world.steps)
    world.reported -= 2
    world.report(3.0)
    world.live(3)
    assert len(world.steps) == before


def test_the_state_of_reports_survives_its_bytes() -> None:
    """A worker that takes over ends what the other began."""
    world = Watched()
    world.live(5)
    world.report(3.0)
    world.live(3)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    world.report()
    world.live(3)
    assert world.steps[-1][0] == "resolved"


def test_a_report_of_a_rule_that_nobody_reports_is_refused() -> None:
    """The path says which finding; none of the report is taken."""
    world = World()
    finding = Finding(rule="node_down", subject=TABLE, value=1.0, summary="")
    report = FindingReport(
        cluster=ClusterName("orders"), source="x", boot="b", seq=1, sent_at=at(0), valid_s=1.0, findings=[finding]
    )
    with pytest.raises(BadRecord, match=r"'node_down'.*\$\.findings\[0\]\.rule"):
        world.state.observe(report)
    assert world.state.memory.reports == {}
