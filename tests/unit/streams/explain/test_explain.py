"""The explanation of a subject at a time, from recorded samples."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline_streams.assembly import judgement
from leadline_streams.explain.explanation import Explanation, RuleExplained
from leadline_streams.explain.held_back import Notified
from leadline_streams.explain.trace import Trace
from leadline_streams.explain.traced import TracedReplay
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Override, Policy
from tests.unit.properties import histories, length
from tests.unit.streams.explain.recorded import Behind, Film, streams
from tests.unit.streams.world import World, at

LINK = "orders/pg-1->pg-2"


def replayed(film: Film, policy: Policy | None = None, until: datetime | None = None) -> TracedReplay:
    """The recording, judged up to a time."""
    traced = TracedReplay(policy or Policy(), cluster="orders", until=until)
    for record in film.records:
        if not traced.take(record):
            break
    return traced


def explain(
    film: Film,
    subject: str = LINK,
    policy: Policy | None = None,
    seconds: float | None = None,
    notified: Notified | None = None,
) -> Explanation:
    """The explanation of a subject, at the end or so many seconds after the beginning."""
    traced = replayed(film, policy, at(seconds) if seconds is not None else None)
    return traced.explain(*traced.choose(subject), notified)


def rule(found: Explanation, name: str) -> RuleExplained:
    """One rule about the subject itself."""
    return next(each for each in found.rules if each.rule == name)


def test_a_healthy_link_is_within_all_its_limits() -> None:
    """The answer says so, with the last looks at both ends."""
    found = explain(Film().run(30, streams))
    assert found.outcome == "quiet"
    assert found.answer.startswith("orders: pg-1 -> pg-2 does not alert")
    assert found.verdict == "healthy"
    assert [(look.node, look.health) for look in found.looks] == [("pg-1", "up"), ("pg-2", "up")]
    assert all(25 <= look.looks <= 30 and look.longest_gap_s == 1.0 for look in found.looks)


def test_a_pending_alert_says_when_it_fires() -> None:
    """Before the breach has lasted for the time of the rule."""
    stalled = Film().run(30, streams).run(10, Behind())
    found = explain(stalled)
    first = found.rules[0]
    assert (found.outcome, first.state) == ("pending", "pending")
    assert first.fires_in_s is not None
    assert 30 < first.fires_in_s <= 40
    assert f"{first.rule} breaches" in found.answer


def test_an_alert_that_fires_names_its_incident_and_says_that_deliveries_are_not_seen() -> None:
    """A recording has samples only: that nobody was notified must not be claimed."""
    found = explain(Film().run(30, streams).run(90, Behind()))
    assert found.outcome == "fires"
    assert found.incidents[0].incident_id in found.answer
    assert "not in a recording" in found.answer
    assert found.sent is None
    assert any("deliveries" in each for each in found.not_seen)


def test_what_was_over_too_soon_is_the_answer_to_why_nobody_was_paged() -> None:
    """The question after an outage of which nobody was notified: the breach was shorter than the limit asks for."""
    found = explain(Film().run(30, streams).run(14, Behind()).run(40, streams))
    assert found.outcome == "quiet"
    assert "breached for" in found.answer
    assert "an alert needs" in found.answer


def test_a_breach_that_has_just_ended_is_not_called_one_that_lasts() -> None:
    """An alert stays pending for a moment after its breach: it waits for the next one, and fires at no time."""
    found = explain(Film().run(30, streams).run(10, Behind()).run(4, streams))
    assert found.outcome == "pending"
    assert "does not alert: replication_stalled breached since" in found.answer
    assert "the breach is over before it had lasted long enough to fire" in found.answer


def test_a_limit_names_the_setting_that_gives_it() -> None:
    """The last override that matches wins, as in the judgement."""
    policy = Policy(
        rules={"replication_lag": {"warning": 5.0}},
        overrides=(
            Override(cluster="orders", rules={"replication_lag": {"critical": 700.0}}),
            Override(node="pg-9", rules={"replication_lag": {"critical": 1.0}}),
        ),
    )
    limits = {
        each.name: (each.value, each.origin)
        for each in rule(explain(Film().run(5, streams), policy=policy), "replication_lag").limits
    }
    assert limits["warning"] == (5.0, "rules.replication_lag.warning")
    assert limits["critical"] == (700.0, "overrides[0].rules.replication_lag.critical")
    assert limits["for_s"][1] == "default"


def test_a_rule_that_is_switched_off_is_named() -> None:
    """It is the reason that nothing was reported."""
    policy = Policy(rules={"replication_stalled": {"enabled": False}, "replication_lag": {"enabled": False}})
    found = explain(Film().run(30, streams).run(60, Behind()), policy=policy)
    held = [each.what for each in found.held_back if each.kind == "rule_off"]
    assert "replication_stalled is switched off by rules.replication_stalled.enabled" in held


def test_a_silence_is_the_reason_that_nobody_was_traced() -> None:
    """It is named with its end."""
    film = Film().run(30, streams).run(90, Behind())
    incident = explain(film).incidents[0].incident_id
    silence = Silence(
        silence_id="s_1", matchers={"cluster": "orders"}, starts_at=at(0), ends_at=at(900), created_by="ann"
    )
    delivery = Delivery(
        incident_id=IncidentId(incident),
        target="ops",
        sink="slack",
        outcome="suppressed",
        at=at(70),
        seq=0,
        occasion="opened",
        severity="warning",
        state="open",
        reason="s_1",
    )
    found = explain(film, notified=Notified(deliveries=[delivery], silences=[silence]))
    assert "nobody was notified" in found.answer
    assert "silence s_1 of ann" in found.answer
    assert [(each.kind, each.until) for each in found.held_back if each.kind == "silence"] == [("silence", at(900))]


def test_a_node_that_is_silent_is_not_called_healthy() -> None:
    """Not seen is not healthy."""
    film = Film().run(30, streams)
    film.standby.silent = True
    found = explain(film.run(20, lambda _: None), "pg-2")
    assert found.looks[0].health == "silent"
    assert found.outcome in ("fires", "pending")
    assert any(each.rule == "agent_silent" for each in found.rules if each.severity is not None)


def test_an_earlier_time_is_explained_as_it_was() -> None:
    """A later sample plays no part."""
    film = Film().run(30, streams).run(90, Behind())
    found = explain(film, seconds=20.0)
    assert found.outcome == "quiet"
    assert at(20) <= found.at <= at(22)


@pytest.mark.parametrize("name", [LINK, "pg-1->pg-2", "pg-1 -> pg-2"])
def test_a_link_is_named_in_any_of_its_forms(name: str) -> None:
    """As in alerts, or by its ends alone."""
    assert explain(Film().run(5, streams), name).subject == LINK


def test_a_name_that_nothing_has_is_refused_with_those_that_are_near() -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"no link, node or incident pg-3 is seen.*did you mean"):
        explain(Film().run(5, streams), "pg-3")


def test_an_incident_is_explained_with_its_links() -> None:
    """By its identity."""
    film = Film().run(30, streams).run(90, Behind())
    incident = explain(film).incidents[0].incident_id
    found = explain(film, incident)
    assert found.subject == incident
    assert {rule.subject for rule in found.rules if rule.state == "firing"} >= {LINK}


@histories()
@given(
    st.lists(
        st.sampled_from(["stream", "behind", "paused", "cut", "silent", "down", "wait"]),
        min_size=3,
        max_size=length(12, 30),
    ),
    st.booleans(),
)
def test_a_tracer_changes_no_output(story: list[str], overridden: bool) -> None:
    """The same history with and without one gives the same outputs and the same state."""
    limits: dict[str, Any] = {"rules": {"replication_lag": {"for_s": 2.0}}} if overridden else {}
    policy = Policy(quiet_s=5.0, overrides=(Override(cluster="orders", **limits),) if overridden else ())
    plain, traced = World(policy=policy), World(policy=policy)
    trace = Trace()
    traced.state = ClusterState("orders", judgement(policy, tracer=trace))
    for world in (plain, traced):
        play(world, story)
    assert plain.outputs == traced.outputs
    assert plain.state.dump() == traced.state.dump()
    assert trace.rules


def play(world: World, story: list[str]) -> None:
    """Seven seconds of each part."""
    primary, standby = world.pair()
    done = world.lsn
    for part in story:
        standby.silent = part == "silent"
        for _ in range(7):
            if part in ("stream", "paused"):
                world.stream(primary, standby)
                done = world.lsn
            elif part == "behind":
                world.stream(primary, standby, replayed=done)
            elif part == "cut":
                primary.set(downstreams=())
                standby.set(upstream=None)
            primary.set(up=part != "down", error="refused" if part == "down" else None)
            world.step()
