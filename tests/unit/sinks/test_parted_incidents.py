"""Incidents that are merged and parted as the judgement does it: what people receive, and in which order."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline.model.ids import NodeName
from leadline.model.incident import Incident, Step, TimelineEntry
from leadline_streams.judge.grouping import OpenProblem
from leadline_streams.judge.one_problem import Comparison
from tests.unit.properties import histories
from tests.unit.sinks import made
from tests.unit.sinks.people import People
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.test_parting import fleet, join
from tests.unit.streams.test_two_faults import FAULTS, PAIRS, Fault, healthy, play
from tests.unit.streams.world import at

APART = {fault.server: fault for fault in FAULTS if fault.kind == "apart"}
SKIP = Step(risk="destructive", node=NodeName("pg-5"), sql="ALTER SUBSCRIPTION sub SKIP (lsn = '0/14C0378')")
LOOK = Step(risk="look", node=NodeName("pg-5"), text="Read the last ERROR of the worker in the server log of pg-5")


def beginning(made: Fleet) -> People:
    """People who have received nothing of a fleet that is healthy."""
    return People(at(made.time))


@pytest.mark.slow
@example((APART["pg-2"], APART["pg-3"]), 40, 30, True)
@example((APART["pg-2"], APART["pg-4"]), 1, 30, True)
@histories()
@given(st.sampled_from(PAIRS), st.integers(0, 60), st.integers(20, 60), st.booleans())
async def test_every_alert_ends_with_its_incident(
    pair: tuple[Fault, Fault], between: int, both: int, first_ends_first: bool
) -> None:
    """Two faults in any order and overlap: whatever is merged or moved, every target shows what is open and no more."""
    one, other = pair
    fleet, people = healthy(), People(at(0))
    play(fleet, between, one)
    play(fleet, both, one, other)
    play(fleet, 20, other if first_ends_first else one)
    play(fleet, 60)
    for record in fleet.incidents:
        await people.receive([record], max(people.clock.now(), record.timeline[-1].at) + timedelta(seconds=20))
        people.check()
    await people.receive([], people.clock.now() + timedelta(seconds=1000))
    people.check()
    assert {alert.state for alert in people.alerts} == {"resolved"}
    assert len(people.alerts) >= len({each.incident_id for each in fleet.incidents if not each.merged_into})


@pytest.mark.slow
async def test_an_alert_that_leaves_its_incident_for_another() -> None:
    """The lower standby of a chain is late behind the upper one first, and behind its own fault in the end: two pages,
    and each thread names the other incident when the alert moves.
    """
    made = fleet()
    people = beginning(made)
    await people.follow(made, 60, apart={"pg-2"})
    await people.follow(made, 30, apart={"pg-2"}, paused={"pg-3"})
    upper, lower = (one.incident_id for one in {each.incident_id: each for each in made.incidents}.values())
    before = len(people.channel)
    await people.follow(made, 2, paused={"pg-3"})
    assert [each for each in people.channel[before:] if each.startswith("reply")] == [
        f"reply: {_moved('belongs to', lower)}",
        f"reply: {_moved('was a part of', upper)}",
    ]
    await people.follow(made, 38, paused={"pg-3"})
    await people.follow(made, 60)
    assert people.pages == [("trigger", upper), ("trigger", lower), ("resolve", upper), ("resolve", lower)]
    assert people.posts == [
        "🟠 WARNING orders: pg-2 cannot connect to pg-1",
        "🟠 WARNING orders: replay on pg-3 was paused by a person",
        "✅ RESOLVED orders: pg-2 cannot connect to pg-1",
        "✅ RESOLVED orders: replay on pg-3 was paused by a person",
    ]
    assert [hook for hook in people.hooks if hook[0] != "updated"] == [
        *(("opened", upper), ("opened", lower), ("resolved", upper), ("resolved", lower)),
    ]
    people.check()


def _moved(how: str, other: str) -> str:
    place, root = "`orders/pg-2-&gt;pg-3`", "its root is `replay_paused_by_operator`"
    return f"10:01:41 UTC  `replication_lag` on {place} {how} `{other}`: {root}"


@pytest.mark.slow
async def test_an_incident_that_is_parted_pages_once_more() -> None:
    """Alerts that were joined wrongly have a page of their own from then on, which names the incident that people know
    them from; the page of that one goes on.
    """
    made = fleet()
    made.run(20, paused={"pg-2"}, failing=True)
    kept = made.state.memory.incidents[0].id
    join(made)
    people = beginning(made)
    await people.receive([one for one in made.incidents if one.incident_id == kept], people.clock.now())
    await people.follow(made, 20, paused={"pg-2"}, failing=True)
    (known, page) = [key for _, key in people.pages]
    assert (known, {alert.state for alert in people.alerts}) == (kept, {"triggered"})
    (alert,) = [each for each in people.alerts if each.key == page]
    details = alert.log[0].payload["payload"]["custom_details"]
    assert details["parted from"] == kept
    assert f"was a part of `{kept}` before" in people.shown[page]
    people.check()
    await people.follow(made, 60)
    assert people.pages[-2:] == [("resolve", kept), ("resolve", page)]
    people.check()


def take_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any two incidents turn out to have one root."""

    def merge(compared: Comparison) -> tuple[OpenProblem, OpenProblem, str] | None:
        problems = compared._all.problems
        return (problems[0], problems[1], "both have one root") if len(problems) == 2 else None

    monkeypatch.setattr(Comparison, "merge", merge)


async def test_two_that_are_merged_before_anybody_was_notified() -> None:
    """Nothing explains why two standbys of one primary lost it together. People hear of one incident only."""
    made = fleet()
    made.judgement.causes = {}
    people = beginning(made)
    await people.follow(made, 30, apart={"pg-2", "pg-4"})
    await people.follow(made, 60)
    assert any(one.merged_into is not None for one in made.incidents)
    assert [kind for kind, _ in people.pages] == ["trigger", "resolve"]
    assert [each.partition(" orders")[0] for each in people.posts] == ["🟠 WARNING", "✅ RESOLVED"]
    assert [kind for kind, _ in people.hooks if kind != "updated"] == ["opened", "resolved"]
    people.check()


async def test_two_that_are_merged_after_people_were_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    """The younger one's page ends with the identity of the older one, whose page goes on."""
    made = fleet()
    people = beginning(made)
    await people.follow(made, 30, paused={"pg-2"})
    await people.follow(made, 30, paused={"pg-2", "pg-4"})
    older, younger = (key for _, key in people.pages)
    take_for_one(monkeypatch)
    await people.follow(made, 3, paused={"pg-2", "pg-4"})
    assert people.pages[2:] == [("resolve", younger)]
    replies = [each for each in people.channel if each.startswith("reply")][-2:]
    assert replies[0].endswith(f"\n10:01:10 UTC  `{younger}` is merged into this one: both have one root")
    assert replies[1] == (
        f"reply: *Merged* into `{older}`: both are one problem. Follow that one\n"
        f"10:01:10 UTC  merged into `{older}`: both have one root"
    )
    assert people.posts[2:] == ["🔀 MERGED orders: replay on pg-4 was paused by a person"]
    people.check()


async def test_an_older_one_that_nobody_was_notified_of_is_announced_first() -> None:
    """The younger one's cause was clear at once, and the older one waits for its own: no moment is without a page, and
    nobody is sent to an incident that he has not received.
    """
    older = made.incident(1, causes=[made.UNKNOWN], severity="warning")
    younger = made.incident(1, opened_at=made.later(1), title="orders: pg-2 is down", severity="warning")
    people = People(made.later(2))
    await people.receive([older, younger], made.later(4))
    assert people.pages == [("trigger", younger.incident_id)]
    merged = made.resolved(2, opened_at=younger.opened_at, resolved_at=made.later(5), merged_into=older.incident_id)
    await people.receive([merged], made.later(8))
    assert people.pages == [("trigger", younger.incident_id)], "the older one is not announced yet"
    await people.receive([], made.later(20))
    assert people.pages[1:] == [("trigger", older.incident_id), ("resolve", younger.incident_id)]
    assert [each.partition(" orders")[0] for each in people.posts] == ["🟠 WARNING", "🟠 WARNING", "🔀 MERGED"]
    assert [kind for kind, _ in people.hooks] == ["opened", "opened", "merged"]


async def test_the_older_one_is_kept_from_people() -> None:
    """Then the end of the younger one waits for no more than a minute."""
    younger = made.incident(1)
    people = People(made.later(2))
    await people.receive([younger], made.later(4))
    merged = made.resolved(2, resolved_at=made.later(5), merged_into="inc_unknown")
    await people.receive([merged], made.later(63))
    assert people.pages == [("trigger", younger.incident_id)]
    await people.receive([], made.later(67))
    assert people.pages[1:] == [("resolve", younger.incident_id)]


def withdrawing(seq: int, *steps: Step, **changes: Any) -> Incident:
    """A record of an incident with these steps."""
    causes = [made.cause("subscriber_duplicate_key", confidence=0.97 - seq / 10, steps=list(steps))]
    return made.incident(seq, causes=causes, **changes)


async def test_a_step_that_is_withdrawn() -> None:
    """The evidence that nothing needs what it discards is gone: wherever people may read the step they are warned at
    once, and nobody is paged.
    """
    people = People(made.later(2))
    await people.receive([withdrawing(1, LOOK, SKIP)], made.later(4))
    assert SKIP.sql in people.shown[made.incident().incident_id]
    await people.receive([withdrawing(2, LOOK)], made.later(5))
    text = f"On pg-5: {SKIP.sql};"
    assert people.channel[1:] == [
        f"update: {people.channel[0].removeprefix('post: ')}",
        f"reply: *Withdrawn, do not do this*:\n• `{text}`",
    ]
    assert SKIP.sql not in people.shown[made.incident().incident_id]
    assert len(people.posts) == 2, "a message that cannot be edited is followed by another"
    assert text in people.newest_post
    assert people.pages == [("trigger", made.incident().incident_id)] * 2
    (alert,) = people.alerts
    details = alert.log[-1].payload["payload"]["custom_details"]
    assert details["withdrawn, do not do this"] == text
    assert SKIP.sql not in "".join(details["fix"])
    assert people.hooks[-1][0] == "withdrawn"
    assert f"withdrawn, do not do this: {text}" in people.printed.getvalue()
    await people.receive([withdrawing(3, LOOK, worst_lag_s=9.0)], made.later(30))
    assert (len(people.posts), len(people.pages)) == (2, 2), "once"


async def test_a_step_that_is_withdrawn_while_people_are_silenced() -> None:
    """A silence keeps pages from people, and not this."""
    people = People(made.later(2))
    await people.receive([withdrawing(1, LOOK, SKIP)], made.later(4))
    people.silence(made.later(600))
    await people.receive([withdrawing(2, LOOK)], made.later(5))
    assert people.hooks[-1][0] == "withdrawn"


@pytest.mark.parametrize("end", [{}, {"merged_into": "inc_older"}])
async def test_steps_are_not_withdrawn_by_the_end(end: dict[str, Any]) -> None:
    """An incident that is over proposes nothing, which needs no words."""
    people = People(made.later(2))
    first = withdrawing(1, LOOK, SKIP)
    await people.receive([first], made.later(4))
    timeline = [*first.timeline, TimelineEntry(at=made.later(5), what="resolved")]
    over = msgspec.structs.replace(first, seq=2, state="resolved", resolved_at=made.later(5), timeline=timeline, **end)
    await people.receive([over], made.later(80))
    assert "Withdrawn" not in "".join(people.channel)
    assert people.hooks[-1][0] in ("resolved", "merged")
