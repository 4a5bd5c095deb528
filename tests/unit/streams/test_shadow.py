"""Shadow rules: they say what would have fired, and change nothing."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.settings.load import SettingsError
from leadline.settings.stream import RuleOverride, StreamSettings
from leadline_streams.assembly import judgement, policy_of
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.shadow_report import shadow_of
from leadline_streams.shadow import Shadow, ShadowStep
from tests.unit.properties import histories, length
from tests.unit.streams.explain.test_explain import play
from tests.unit.streams.world import World

Tried = dict[str, dict[str, float | bool | None]]
QUICK: Tried = {"replication_stalled": {"for_s": 3.0, "keep_s": 3.0}}


def shadowed(tried: Tried, policy: Policy | None = None) -> tuple[World, list[ShadowStep]]:
    """A world with shadow rules, and their steps."""
    steps: list[ShadowStep] = []
    policy = policy or Policy(quiet_s=5.0)
    world = World(policy=policy)
    shadow = Shadow(tried, policy.pending_grace_s, steps.append)
    world.state = ClusterState("orders", judgement(policy, tracer=shadow))
    return world, steps


def stall(world: World, seconds: int) -> None:
    """The standby receives and does not replay."""
    primary, standby = world.servers["pg-1"], world.servers["pg-2"]
    done = world.lsn
    for _ in range(seconds):
        world.stream(primary, standby, replayed=done)
        world.step()


def stream(world: World, seconds: int) -> None:
    """All is well."""
    for _ in range(seconds):
        world.stream(world.servers["pg-1"], world.servers["pg-2"])
        world.step()


def test_a_shadow_rule_fires_and_resolves_where_the_real_one_stays_silent() -> None:
    """A stall of fifteen seconds is too short for the limits in force; the shadow says what shorter ones would do."""
    world, steps = shadowed(QUICK)
    world.pair()
    stream(world, 15)
    stall(world, 15)
    stream(world, 50)
    assert [(step.rule, step.fires) for step in steps] == [
        ("replication_stalled", True),
        ("replication_stalled", False),
    ]
    assert steps[0].about == "pg-1 -> pg-2"
    assert "pg-2 has not applied anything" in steps[0].summary
    assert world.fired() == set()
    assert world.incidents == []


def test_a_rule_that_is_off_may_run_in_shadow_only() -> None:
    """No alert comes of it, and no transition."""
    policy = Policy(quiet_s=5.0, rules={"replication_stalled": {"enabled": False}})
    world, steps = shadowed(QUICK, policy)
    world.pair()
    stream(world, 15)
    stall(world, 20)
    assert [step.rule for step in steps] == ["replication_stalled"]
    assert "replication_stalled" not in {each.rule for each in world.transitions}


def test_data_that_is_missing_fires_nothing() -> None:
    """A standby that nobody sees does not stall in shadow."""
    world, steps = shadowed(QUICK)
    world.pair()
    stream(world, 15)
    for server in world.servers.values():
        server.silent = True
    for _ in range(40):
        world.step()
    assert steps == []


@histories()
@given(
    st.lists(
        st.sampled_from(["stream", "behind", "paused", "cut", "silent", "down", "wait"]),
        min_size=3,
        max_size=length(10, 30),
    ),
    st.booleans(),
)
def test_shadow_rules_change_no_output(story: list[str], off: bool) -> None:
    """With them and without them: the same outputs and the same state."""
    policy = Policy(quiet_s=5.0, rules={"replication_lag": {"enabled": False}} if off else {})
    tried: Tried = {"replication_lag": {"warning": 1.0, "for_s": 0.0}, **QUICK, "agent_silent": {"for_s": 1.0}}
    (world, _), plain = shadowed(tried, policy), World(policy=policy)
    for each in (plain, world):
        play(each, story)
    assert plain.outputs == world.outputs
    assert plain.state.dump() == world.state.dump()


def test_the_settings_name_rules_that_exist() -> None:
    """A mistake is refused as under `rules`, with its place."""
    with pytest.raises(SettingsError, match=r"shadow\.replication_lagg.*did you mean"):
        policy_of(StreamSettings(shadow={"replication_lagg": RuleOverride(warning=1.0)}))


def test_a_step_is_written_to_the_process_log(caplog: pytest.LogCaptureFixture) -> None:
    """And there is no observer without shadow rules."""
    assert shadow_of(StreamSettings()) is None
    shadow = shadow_of(StreamSettings(shadow={"replication_stalled": RuleOverride(for_s=3.0, keep_s=3.0)}))
    assert shadow is not None
    policy = Policy(quiet_s=5.0)
    world = World(policy=policy)
    world.state = ClusterState("orders", judgement(policy, tracer=shadow))
    world.pair()
    stream(world, 15)
    with caplog.at_level(logging.INFO):
        stall(world, 15)
    assert "shadow rule replication_stalled would fire (warning) on pg-1 -> pg-2 of orders" in caplog.text
