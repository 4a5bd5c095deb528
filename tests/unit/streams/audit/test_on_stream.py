"""The audit on the stream: found once, grouped, kept over restarts, accepted until a day, ended once."""

from datetime import date, timedelta
from math import inf

import pytest
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.ids import NodeName
from leadline_streams.audit.acceptance import Acceptance
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.measured import MEASURED_BY
from leadline_streams.audit.stream_auditor import StreamAuditor
from leadline_streams.judge import audits
from leadline_streams.judge.policy import AuditPolicy
from leadline_streams.rules import RULES
from tests.unit.streams.audit.draft import FACTS, Draft
from tests.unit.streams.audit.on_stream import AT_ONCE, OnStream

DELAY = "PG-SBY-005"
DELAYED = {"recovery_min_apply_delay": "3600000"}
NEVER = "PG-SBY-001"


def delayed(policy: AuditPolicy = AT_ONCE, *acceptances: Acceptance) -> OnStream:
    """A pair whose standby delays replay, watched until the audit is over."""
    world = OnStream(Draft().put("pg-2", **DELAYED), policy, acceptances)
    world.live(5)
    world.send_looks()
    world.live(20)
    return world


def test_the_stream_finds_what_the_command_finds() -> None:
    """The same rules on the same looks give the same findings, and what could not be judged."""
    world = delayed()
    report = world.draft.report()
    (result,) = world.results
    assert {each.finding_id for each in result.findings} == {each.id for each in report.findings}
    assert {(each.rule, each.subject) for each in result.not_judged} == {
        (each.rule, each.subject.id) for each in report.unseen
    }
    assert result.counts.held == report.satisfied
    assert (result.origin, result.nodes, result.facts_as_of) == ("scheduled", ("pg-1", "pg-2"), str(FACTS.facts_as_of))


def test_nothing_is_published_again_while_nothing_changes() -> None:
    """Looks come each hour, and say the same."""
    world = delayed()
    seen = len(world.outputs_of_audit())
    assert seen
    for _ in range(3):
        world.send_looks()
        world.live(30)
    assert len(world.outputs_of_audit()) == seen


def test_a_finding_of_several_servers_is_one_notice_with_their_list() -> None:
    """A rule that two standbys violate is one notice; a third one is reported in it, and so is the end of all."""
    draft = three_standbys()
    for name in ("pg-2", "pg-3"):
        draft.put(name, max_standby_streaming_delay="-1")
    world = OnStream(draft)
    world.live(5)
    world.send_looks()
    world.live(20)
    (first,) = [each for each in world.notices if NEVER in each.title]
    assert (first.class_, first.state, first.seq) == ("notice", "open", 1)
    assert first.affected.nodes == ["pg-2", "pg-3"]
    assert "pg-2, pg-3" in first.title
    assert world.steps(NEVER) == [("firing", "breach")]
    world.put("pg-4", max_standby_streaming_delay="-1")
    world.live(20)
    last = world.notices[-1]
    assert (last.incident_id, last.seq, last.affected.nodes) == (first.incident_id, 2, ["pg-2", "pg-3", "pg-4"])
    assert "also replay on pg-4" in last.timeline[-1].what
    for name in ("pg-2", "pg-3", "pg-4"):
        world.put(name, max_standby_streaming_delay="30000")
    world.live(40)
    ended = [each for each in world.notices if each.incident_id == first.incident_id and each.state == "resolved"]
    assert [(each.seq, each.timeline[-1].what) for each in ended] == [(3, f"resolved: {NEVER} is not found any more")]
    assert world.steps(NEVER) == [("firing", "breach"), ("resolved", "clear")]


@pytest.mark.parametrize("seconds", range(0, 16))
def test_a_worker_that_takes_over_says_nothing_twice(seconds: int) -> None:
    """Wherever in an audit it takes over, what is published is the same, byte for byte."""
    once, twice = OnStream(Draft().put("pg-2", **DELAYED)), OnStream(Draft().put("pg-2", **DELAYED))
    for world in (once, twice):
        world.live(3)
        world.send_looks()
        world.live(seconds)
        if world is twice:
            world.restart()
        world.live(20 - seconds)
    assert once.outputs_of_audit() == twice.outputs_of_audit()
    assert once.notices


def test_a_large_cluster_is_audited_little_by_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more rules at one tick than are allowed; the result is the same."""
    monkeypatch.setattr(audits, "MOST_CHECKS", 1)
    world = delayed()
    assert world.results == []
    assert world.state.memory.audit.round is not None
    assert world.state.memory.audit.round.judged < 30
    world.live(400)
    monkeypatch.undo()
    (slow,) = world.results
    (quick,) = delayed().results
    assert [each.finding_id for each in slow.findings] == [each.finding_id for each in quick.findings]


def test_what_is_accepted_notifies_nobody_and_comes_back_after_its_day() -> None:
    """The result has it with its owner; the day after its last one it is a notice that says so."""
    start = Draft().found.samples[0].sent_at
    until = start.date() + timedelta(days=1)
    world = delayed(AT_ONCE, Acceptance(DELAY, "*/pg-2", "ada", "against mistakes", until))
    (result,) = world.results
    (finding,) = [each for each in result.findings if each.rule == DELAY]
    assert finding.accepted is not None
    assert (finding.accepted.owner, finding.accepted.until) == ("ada", until.isoformat())
    assert [each for each in world.notices if DELAY in each.title] == []
    world.live(3 * 24 * 4, step_s=900.0)
    back = [each for each in world.notices if DELAY in each.title]
    assert [each.state for each in back] == ["open"]
    assert back[0].opened_at.date() == until + timedelta(days=1)
    facts = back[0].causes[0].evidence_for
    assert any(f"was accepted until {until}" in (each.note or "") for each in facts)


def test_an_acceptance_ends_a_notice_with_its_owner() -> None:
    """Settings change with a restart of the worker."""
    world = delayed()
    (opened,) = [each for each in world.notices if DELAY in each.title]
    accepted = Acceptance(DELAY, "*", "ada", "against mistakes", date(2100, 1, 1))
    later = OnStream(world.draft, AT_ONCE, [accepted])
    later.state = type(later.state).load(world.state.dump(), later.judgement)
    later.at, later.seq = world.at, world.seq
    later.send_looks()
    later.live(20)
    (ended,) = [each for each in later.notices if each.incident_id == opened.incident_id]
    assert ended.state == "resolved"
    assert "accepted by ada" in ended.timeline[-1].what


def test_open_findings_cost_nothing_while_all_is_healthy() -> None:
    """They stay open for weeks: samples are judged as fast as without them, and no causes are looked for."""
    world = delayed()
    world.live(30)
    memory = world.state.memory
    assert memory.alerts
    assert not memory.is_failing
    assert memory.diagnose_at == inf


def test_what_is_not_seen_is_not_over() -> None:
    """The agent of the standby is silent: the finding stays, is marked, and its alert is unknown."""
    world = delayed()
    world.silent.add("pg-2")
    world.live(15)
    world.send_looks("pg-1")
    world.live(20)
    (finding,) = [each for each in world.results[-1].findings if each.rule == DELAY]
    assert not finding.judged
    assert "" in {each.rule for each in world.results[-1].not_judged}
    assert world.steps(DELAY) == [("firing", "breach"), ("unknown", "no_data")]
    assert [each.state for each in world.notices if DELAY in each.title] == ["open"]
    world.silent.clear()
    world.live(15)
    world.send_looks("pg-1")
    world.live(20)
    assert world.steps(DELAY)[-1] == ("firing", "data_back")


def test_a_server_of_which_no_look_comes_any_more_is_not_judged() -> None:
    """After two weeks; its finding is neither over nor new."""
    world = delayed()
    world.live(16 * 24, step_s=3600.0)
    (finding,) = [each for each in world.results[-1].findings if each.rule == DELAY]
    assert not finding.judged
    reasons = [each.reason for each in world.results[-1].not_judged if each.rule == ""]
    assert len(reasons) == 2
    assert all("the last look for the audit on 2026-11-30" in reason for reason in reasons)


def test_a_right_that_is_withdrawn_ends_nothing() -> None:
    """Settings that are hidden now leave the finding as it is."""
    world = delayed()
    world.draft.read("pg-2", settings=None, unseen={"settings": "hidden; GRANT pg_monitor"})
    world.send_looks("pg-2")
    world.live(20)
    (finding,) = [each for each in world.results[-1].findings if each.rule == DELAY]
    assert not finding.judged
    assert [each.state for each in world.notices if DELAY in each.title] == ["open"]


def test_beyond_the_limits_the_most_severe_are_kept_and_what_is_repaired_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With room for two findings and for no reason of what was not judged; the result says how many it leaves out."""
    monkeypatch.setattr(audits, "MOST_FINDINGS", 2)
    monkeypatch.setattr(audits, "MOST_NOT_JUDGED", 0)
    draft = Draft().put("pg-2", max_standby_streaming_delay="-1", wal_receiver_timeout="0", wal_compression="x")
    world = OnStream(draft)
    world.live(5)
    world.send_looks()
    world.live(20)
    first = world.results[-1]
    assert [each.rule for each in first.findings] == [NEVER, "PG-SBY-009"]
    assert first.left_out == {
        "findings": len(draft.report().findings) - 2,
        "not_judged": len(draft.report().unseen),
    }
    world.put("pg-2", max_standby_streaming_delay="30000", wal_receiver_timeout="60000")
    world.live(40)
    assert {"PG-SBY-009", NEVER} & {each.rule for each in world.results[-1].findings} == set()
    assert world.steps(NEVER) == [("firing", "breach"), ("resolved", "clear")]


def test_advice_is_one_digest_a_day_when_it_says_something_else() -> None:
    """Findings that may be meant are sent together, and not again while they are the same."""
    world = delayed(AuditPolicy(spread_s=0.0, digest_s=86400.0))
    digests = [each for each in world.notices if each.class_ == "advice"]
    assert [each.state for each in digests] == ["open"]
    listed = {each.name for each in digests[0].causes[0].evidence_for}
    assert listed == {each.rule for each in world.results[-1].findings if each.severity == "info"}
    world.live(2 * 24 * 4, step_s=900.0)
    assert [each for each in world.notices if each.class_ == "advice"] == digests
    world.put("pg-2", max_standby_streaming_delay="1000", hot_standby_feedback="off")
    world.live(2 * 24 * 4, step_s=900.0)
    later = [each for each in world.notices if each.class_ == "advice"][1:]
    assert [(each.state, each.incident_id == digests[0].incident_id) for each in later] == [
        ("resolved", True),
        ("open", False),
    ]
    assert "PG-SBY-002" in {each.name for each in later[1].causes[0].evidence_for} - listed


def test_a_severity_below_the_setting_is_advice() -> None:
    """``audit.notify`` decides; ``never`` notifies of nothing by itself."""
    for least in ("critical", None):
        world = delayed(AuditPolicy(spread_s=0.0, notify=least, digest_s=86400.0))  # type: ignore[arg-type]
        assert {each.class_ for each in world.notices} == {"advice"}
        assert DELAY in {each.name for each in world.notices[0].causes[0].evidence_for}


def test_a_rule_that_is_switched_off_has_no_alert_and_no_notice() -> None:
    """The result is kept all the same."""
    world = OnStream(Draft().put("pg-2", **DELAYED), audit_finding={"enabled": False}, audit_advice={"enabled": False})
    world.live(5)
    world.send_looks()
    world.live(20)
    assert world.steps(DELAY) == []
    assert world.notices == []
    assert DELAY in {each.rule for each in world.results[-1].findings}


def test_what_a_rule_measures_is_not_notified_of_twice() -> None:
    """A setting that is too low on a standby is ``config_mismatch``; the audit has it in its result."""
    world = OnStream(Draft().put("pg-2", max_connections="10"))
    world.live(5)
    world.send_looks()
    world.live(20)
    assert "PG-PAR-001" in {each.rule for each in world.results[-1].findings}
    assert world.steps("PG-PAR-001") == []
    assert [each for each in world.notices if "PG-PAR-001" in each.title] == []


def test_the_rules_that_are_measured_exist() -> None:
    """On both sides."""
    assert set(MEASURED_BY) <= set(AUDIT_RULES)
    assert set(MEASURED_BY.values()) <= set(RULES)


def test_an_acceptance_of_a_rule_that_does_not_exist_is_refused() -> None:
    """When the worker starts."""
    with pytest.raises(UsageError, match="there is no rule PG-NONE-999"):
        StreamAuditor(FACTS, [Acceptance("PG-NONE-999", "*", "ada", "", date(2100, 1, 1))])


def test_a_forgotten_node_takes_its_findings_along() -> None:
    """They are over, and no look of it is kept."""
    world = delayed()
    assert world.state.memory.nodes[NodeName("pg-2")] is not None
    world.silent.add("pg-2")
    world.draft.sampled("pg-1", downstreams=(), slots=())
    world.live(5 * 24 * 4, step_s=900.0)
    assert "pg-2" not in world.state.memory.nodes
    assert set(world.state.memory.audit.looks) == {"pg-1"}
    assert DELAY not in {each.rule for each in world.results[-1].findings}


def test_notices_of_a_cluster_that_is_gone_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is forgotten."""
    monkeypatch.setattr(OnStream, "retire_after_s", 600.0)
    world = delayed()
    opened = {each.incident_id for each in world.notices}
    assert opened
    world.silent.update(("pg-1", "pg-2"))
    world.live(2000)
    assert world.state.is_empty
    assert {each.incident_id for each in world.notices if each.state == "resolved"} == opened
    assert world.steps(DELAY)[-1][0] == "resolved"


def three_standbys() -> Draft:
    """The recorded pair with two more standbys like its own."""
    draft = Draft()
    sample, look = draft.sample_of("pg-2"), draft.look_of("pg-2")
    for number in (3, 4):
        name = NodeName(f"pg-{number}")
        port = sample.node.port + number
        node = replace(sample.node, name=name, port=port, boot=f"boot-{number}", aliases=())
        draft.found.samples.append(replace(sample, node=node))
        draft.found.looks.append(replace(look, node=name))
    return draft
