"""Alerts and the incident of a cluster: their sequence, their words, their end, and the settings that shape them."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.replication import Downstream, Positions
from leadline.settings.stream import StreamSettings
from leadline_streams.assembly import judgement, policy_of
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from tests.unit.streams.world import QUICK, World


def world_with(**judged: Any) -> World:
    """A pair of servers that is judged with these settings; ``replay_paused`` fires after five seconds."""
    settings = msgspec.convert({"judgement": judged, "rules": {"replay_paused": QUICK}}, StreamSettings)
    world = World(policy=policy_of(settings))
    world.pair()
    return world


def run(world: World, seconds: int, *, paused: bool = False, behind: int = 0) -> None:
    """Replay is paused meanwhile, or so many bytes behind, or neither."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(seconds):
        down.fields.pop("positions", None)
        world.stream(up, down, replayed=world.lsn - behind)
        down.set(positions=replace(down.fields["positions"], replay_paused=paused))
        world.step()


def steps(world: World, rule: str = "replay_paused") -> list[tuple[str, str]]:
    """The transitions of a rule, as state and reason."""
    return [(step.to, step.reason) for step in world.transitions if step.rule == rule]


def test_an_alert_that_returns_goes_on_with_its_sequence() -> None:
    """``(alert_id, seq)`` names a transition for ever, also across periods."""
    world = world_with()
    for _ in range(3):
        run(world, 12, paused=True)
        run(world, 12)
    (ident,) = {step.alert_id for step in world.transitions}
    assert [step.seq for step in world.transitions] == list(range(1, 10)), ident
    again = ClusterState.load(world.state.dump(), world.judgement)
    world.state = again
    run(world, 3, paused=True)
    assert world.transitions[-1].seq == 10


def test_a_transition_has_the_place_and_labels_of_the_node_that_decides_it() -> None:
    """For a link, the downstream's."""
    world = World(replay_paused=QUICK)
    world.add("pg-1", "primary", datacenter="fra1", labels={"tier": "gold"})
    world.add("pg-2", "standby", datacenter="ams2", labels={"tier": "reporting"})
    run(world, 12, paused=True)
    step = world.transitions[-1]
    assert (step.datacenter, step.labels) == ("ams2", {"tier": "reporting"})
    assert step.observers == ["pg-1", "pg-2"]
    assert world.incidents[-1].datacenters == ["ams2", "fra1"]


def test_the_timeline_has_each_step_in_words() -> None:
    """It fires, becomes critical, becomes unknown while its agent is silent, and resolves."""
    world = World(replication_lag={"for_s": 3.0, "keep_s": 3.0, "warning": 2.0, "critical": 8.0})
    up, down = world.pair()
    run(world, 5)
    stuck = world.lsn
    for _ in range(15):
        world.stream(up, down, replayed=stuck, received=world.lsn)
        world.step()
    down.silent = True
    for _ in range(15):
        world.step()
    down.silent = False
    run(world, 20)
    beginnings = ("fires", "is critical now", "is unknown", "still fires", "resolved")
    found = [
        next((word for word in beginnings if entry.what.startswith(f"replication_lag {word}")), None)
        for entry in world.incidents[-1].timeline
    ]
    assert [word for word in found if word] == ["fires", "is critical now", "is unknown", "still fires", "resolved"]


def test_a_setting_that_was_not_there_before_was_not_changed() -> None:
    """It came with another version of the server; one that was there is shown with its value."""
    world = world_with()
    server = world.servers["pg-1"]
    server.settings = {"work_mem": "4MB"}
    world.send_settings()
    server.settings = {"work_mem": "8MB", "wal_keep_size": "1GB"}
    world.step()
    world.send_settings()
    run(world, 12, paused=True)
    lines = [entry.what for entry in world.incidents[-1].timeline]
    assert "work_mem on pg-1: 4MB → 8MB" in lines
    assert "wal_keep_size" not in str(lines)


def test_without_a_known_cause_the_worst_alert_is_named() -> None:
    """The cause is ``unknown``, without confidence, and about the subject of the first critical alert."""
    policy = Policy(rules={name: {"for_s": 2.0} for name in ("replay_paused", "replication_lag")})
    world = World(policy=policy)
    world.judgement = judgement(policy)
    world.judgement.causes = {}
    world.state = ClusterState("orders", world.judgement)
    world.pair()
    run(world, 12, paused=True)
    (cause,) = world.incidents[-1].causes
    assert (cause.code, cause.confidence, cause.subject.id) == ("unknown", 0.0, "orders/pg-1->pg-2")
    assert [step.risk for step in cause.steps] == ["look"]
    assert cause.fix


@pytest.mark.parametrize("state", ["pending", "firing"])
def test_a_rule_that_is_switched_off_ends_its_alert(state: str) -> None:
    """When the process starts with the new settings, with a reason of its own; other alerts go on."""
    world = World(replay_paused={"for_s": 2.0 if state == "firing" else 86400.0}, replication_lag={"for_s": 2.0})
    world.pair()
    run(world, 60, paused=True, behind=5_000_000)
    assert {step.to for step in world.transitions if step.rule == "replay_paused"} == {"pending", state}
    assert steps(world, "replication_lag")[-1] == ("firing", "breach")
    off = Policy(rules={"replay_paused": {"enabled": False}, "replication_lag": {"for_s": 2.0}})
    world.state = ClusterState.load(world.state.dump(), judgement(off))
    run(world, 20, paused=True, behind=5_000_000)
    assert steps(world)[-1] == ("ok" if state == "pending" else "resolved", "rule_changed")
    assert steps(world, "replication_lag")[-1] == ("firing", "breach")
    assert world.incidents[-1].state == "open"


@pytest.mark.parametrize("state", ["pending", "firing"])
def test_a_stored_alert_of_a_rule_that_does_not_exist_ends(state: str) -> None:
    """Another version stored it, and its causes: it ends with the reason, and what this version has goes on."""
    world = World(replay_paused={"for_s": 2.0 if state == "firing" else 86400.0}, replication_lag={"for_s": 2.0})
    world.pair()
    run(world, 60, paused=True, behind=5_000_000)
    memory = world.state.memory
    for place, alert in list(memory.alerts.items()):
        if alert.rule == "replay_paused":
            alert.rule = "of_tomorrow"
            memory.alerts[place.replace("replay_paused", "of_tomorrow")] = memory.alerts.pop(place)
            memory.alerts[place.replace("replay_paused", "of_next_year")] = replace(alert, rule="of_next_year")
    for incident in memory.incidents:
        incident.rules = ["of_tomorrow" if rule == "replay_paused" else rule for rule in incident.rules]
        incident.causes = [replace(cause, code="of_tomorrow") for cause in incident.causes]
        incident.root = ("of_tomorrow", "orders/pg-1->pg-2")
    before = len(world.outputs)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    run(world, 20, paused=True, behind=5_000_000)
    gone = [step for step in world.outputs[before:] if isinstance(step, Transition) and step.rule.startswith("of_")]
    assert {(step.rule, step.to, step.reason) for step in gone} == {
        (rule, "ok" if state == "pending" else "resolved", "rule_changed") for rule in ("of_tomorrow", "of_next_year")
    }
    assert "this version has no such rule" in gone[0].summary
    assert not any(alert.rule.startswith("of_") for alert in world.state.memory.alerts.values())
    assert steps(world, "replication_lag")[-1] == ("firing", "breach")
    assert ClusterState.load(world.state.dump(), world.judgement).memory == world.state.memory


def test_a_rule_that_an_override_switches_off_ends_its_alert() -> None:
    """As soon as the node has the label that the override names."""
    settings = {
        "rules": {"replay_paused": QUICK},
        "overrides": [{"match": {"labels": {"tier": "lab"}}, "rules": {"replay_paused": {"enabled": False}}}],
    }
    world = World(policy=policy_of(msgspec.convert(settings, StreamSettings)))
    _, down = world.pair()
    run(world, 12, paused=True)
    assert steps(world)[-1] == ("firing", "breach")
    down.node = replace(down.node, labels={"tier": "lab"})
    run(world, 45, paused=True)
    assert steps(world)[-1] == ("resolved", "rule_changed")
    assert "no longer judged" in world.transitions[-1].summary
    assert world.incidents[-1].state == "resolved"


@pytest.mark.parametrize("quiet_s", [0.0, 5.0, 30.0])
def test_an_incident_ends_when_its_last_alert_has_been_over_for_so_long(quiet_s: float) -> None:
    """``judgement.quiet_s``."""
    world = world_with(quiet_s=quiet_s)
    run(world, 12, paused=True)
    run(world, 60)
    resolved = [step for step in world.transitions if step.to == "resolved"]
    ended: Incident = world.incidents[-1]
    assert ended.state == "resolved"
    assert ended.resolved_at is not None
    assert (ended.resolved_at - resolved[-1].event_time).total_seconds() == quiet_s


@pytest.mark.parametrize(("grace_s", "last"), [(0.0, "ok"), (3.0, "ok"), (8.0, "firing")])
def test_a_breach_that_comes_back_within_the_grace_counts_as_one(grace_s: float, last: str) -> None:
    """``judgement.pending_grace_s``."""
    world = world_with(pending_grace_s=grace_s)
    run(world, 10)
    run(world, 2, paused=True)
    run(world, 6)
    run(world, 2, paused=True)
    run(world, 20)
    assert [step.to for step in world.transitions][:2] == ["pending", last]
    first, second = world.transitions[:2]
    assert second.event_time - first.event_time >= timedelta(seconds=min(grace_s, 8.0)), "not before the second breach"


@pytest.mark.slow
def test_a_downstream_without_an_agent_is_forgotten_after_a_while() -> None:
    """``judgement.forget_s`` after it was last connected; the alert about its link ends then."""
    forget_s = 600
    world = world_with(forget_s=float(forget_s))
    world.servers.pop("pg-2")
    primary = world.servers["pg-1"]
    for second in range(700):
        lsn = format_lsn(world.lsn)
        row = Downstream(name="reader", state="streaming", write_lsn=lsn, flush_lsn=lsn, replay_lsn=lsn)
        primary.set(positions=Positions(current_lsn=lsn), downstreams=(row,) if second < 30 else ())
        world.step()
        remembered = "orders/pg-1->reader" in world.state.memory.links
        if second in (20, forget_s + 20, forget_s + 40):
            assert remembered == (second < forget_s + 30)
    assert ("resolved", "superseded") in steps(world, "replication_cut_off")


def test_the_end_confirms_the_cause_whose_signs_had_gone() -> None:
    """While the problem lasts, its cause is less sure once its signs are gone; the end restores the surest form."""
    world = world_with()
    run(world, 12, paused=True)
    surest = world.incidents[-1].causes[0]
    run(world, 4)
    world.send_settings()
    run(world, 8)
    healing = next(one for one in world.incidents if one.causes[0].confidence < surest.confidence)
    (sign,) = [fact for fact in healing.causes[0].not_seen if fact.name == "signs"]
    assert sign.value.startswith("gone since 10:00:")
    run(world, 40)
    ended = world.incidents[-1]
    assert (ended.state, ended.causes[0].confidence) == ("resolved", surest.confidence)
    assert [fact.value for fact in ended.causes[0].evidence_for if fact.name == "signs"] == [sign.value]
    assert ended.causes[0].evidence_against == []
    assert ended.timeline[-1].what == f"resolved: replay was resumed, since {sign.value.removeprefix('gone since ')}"


def test_the_lag_in_the_record_is_never_half_of_the_true_one() -> None:
    """A record is written when the largest lag has doubled, and not for each second of it."""
    world = world_with()
    run(world, 5)
    stuck = world.lsn
    for _ in range(200):
        world.stream(world.servers["pg-1"], world.servers["pg-2"], replayed=stuck, received=world.lsn)
        down = world.servers["pg-2"]
        down.set(positions=replace(down.fields["positions"], replay_paused=True))
        world.step()
        if world.incidents:
            (link,) = world.state.memory.links.values()
            shown = world.incidents[-1].worst_lag_s
            assert shown is not None
            assert (link.lag_s or 0.0) < max(2 * shown, 12.0)
    assert len(world.incidents) < 12
