"""A sink that is killed at random instants while incidents open, escalate and resolve: each is notified to its end."""

import asyncio
import signal
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident, TimelineEntry
from leadline_lab.receiver import pagerduty, slack
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.server import Receiver
from tests.faults.conftest import Report
from tests.faults.notified import TITLE, VENDORS, Timeline, has_ended, has_opened, notified
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import Put, process, sharers, until, values, writing
from tests.integration.streams.kit import CLOCK, Topics
from tests.unit.sinks import made

pytestmark = pytest.mark.timeout(600)

KILLS = 5
CHANNELS = 5
"""A sink sends 40 messages a minute to each."""
AT_ONCE = 8
"""Number of incidents that open when a sink is started."""
FREEZES = 4
FROZEN_S = 5.0
"""Time that Slack takes for the message in the midst of whose delivery a sink is frozen."""
SLOW_S = 9.0
"""Time that PagerDuty takes for a page: less than a sink waits for its answer, longer than a session in the group."""
PAUSE_S = 1.0
"""Longest time between two records of an incident."""
MEANWHILE_S = 1.5
"""Longest time from the first notification of a sink to its kill."""
WITHIN_S = 60.0
"""Long enough on any machine."""


async def test_killed_at_random_instants(topics: Topics, tmp_path: Path, report: Report) -> None:
    """Five channels and one pager. An incident ends when Slack and PagerDuty have received its first notification.

    Every other time Slack and PagerDuty accept requests and do not answer, so that the kill hits pending requests.
    """
    random, starts, living = Random(41), list[datetime](), list[asyncio.Task[Timeline]]()
    with Receiver(limited=False) as to, process(tmp_path, settings(topics, to), sink_main.__name__) as sink:
        async with writing(topics.bootstrap, topics.prefix) as put, asyncio.TaskGroup() as group:
            for kill in range(KILLS):
                before = len(to.events)
                starts.append(CLOCK.now())
                sink.start()
                for number in range(kill * AT_ONCE, (kill + 1) * AT_ONCE):
                    living.append(group.create_task(live(put, to, number, Random(number))))
                await until("a notification", lambda: len(to.events) > before, sink, WITHIN_S)  # noqa: B023
                silent = VENDORS if kill % 2 else ()
                for vendor in silent:
                    to.fail(Fault(vendor, Kind.TIMEOUT))
                await CLOCK.sleep(random.uniform(0.0, MEANWHILE_S))
                sink.kill()
                for vendor in silent:
                    to.fail(Fault(vendor, Kind.NONE))
            starts.append(CLOCK.now())
            sink.start()
            lives = await asyncio.gather(*living)
            give_up = CLOCK.monotonic() + WITHIN_S  # notifications missing by then are counted
            while not all(has_ended(to.events, life.end) for life in lives) and CLOCK.monotonic() < give_up:
                await CLOCK.sleep(0.1)
        assert sink.end() == 0, sink.err
        report("sink_killed", KILLS, notified(to.events, lives, starts))


async def test_slow_calls_while_incidents_move(topics: Topics, tmp_path: Path, report: Report) -> None:
    """A sink joins, leaves, and joins again, each time while PagerDuty is slow to take a page; the incident ends
    meanwhile. Whichever sink sends the end, PagerDuty receives it after the page.
    """
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    with Receiver(limited=False) as to:
        given, program = settings(topics, to), sink_main.__name__
        with process(folders[0], given, program) as a, process(folders[1], given, program) as b:
            starts, lives = [CLOCK.now()], list[Timeline]()
            a.start()
            async with writing(topics.bootstrap, topics.prefix) as put:
                for number, move in enumerate((b.start, a.end, a.start)):
                    cluster = f"shop-0-{number}"
                    about = made.incident(1, cluster=cluster, opened_at=CLOCK.now(), title=TITLE.format(cluster, 1))
                    to.fail(Fault(pagerduty.VENDOR, Kind.SLOW, requests=1, delay_s=SLOW_S))
                    await put(about)
                    await until("the message", lambda about=about: to_slack(to, about), b if number == 2 else a)
                    moving = asyncio.create_task(asyncio.to_thread(move))
                    over = {"state": "resolved", "resolved_at": CLOCK.now(), "title": TITLE.format(cluster, 2)}
                    lives.append(Timeline(replace(about, seq=2, **over), ()))
                    await put(lives[-1].end)
                    await moving
                    last = a if number != 1 else b
                    await until("the end", lambda: has_ended(to.events, lives[-1].end), last, WITHIN_S)
                    await CLOCK.sleep(1.0)
            assert (a.end(), b.end()) == (0, 0), a.err + b.err
        report("sinks_moving", 3, notified(to.events, lives, starts))


async def test_frozen_in_the_midst_of_a_delivery(topics: Topics, tmp_path: Path, report: Report) -> None:
    """Slack has taken the message, and the reply in its thread is to follow. Another sink sends all, and the end, until
    the frozen one goes on: it makes no request, and writes no delivery. Both take their share of the next incident.
    """
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    starts, lives, late = list[datetime](), list[Timeline](), 0
    with Receiver(limited=False) as to:
        given, program = settings(topics, to), sink_main.__name__
        with process(folders[0], given, program) as a, process(folders[1], given, program) as b:
            starts.append(CLOCK.now())
            a.start()
            async with writing(topics.bootstrap, topics.prefix) as put:
                for number in range(FREEZES):
                    cluster = f"shop-0-{number}"
                    about = made.incident(1, cluster=cluster, opened_at=CLOCK.now(), title=TITLE.format(cluster, 1))
                    name = f"remark {number}"
                    note = made.action("note", incident_id=about.incident_id, action_id=name, text=name, at=CLOCK.now())
                    to.fail(Fault(slack.VENDOR, Kind.SLOW, requests=1, delay_s=FROZEN_S))
                    await put(note, about)
                    await until("the page", lambda about=about: to_pagerduty(to, about), a, WITHIN_S)
                    await until("a request to Slack", lambda: to.is_failing(slack.VENDOR), a, WITHIN_S)
                    a.signal(signal.SIGSTOP)
                    assert not to_slack(to, about)
                    await until("the message", lambda about=about: to_slack(to, about), a)
                    over = {"state": "resolved", "resolved_at": CLOCK.now(), "title": TITLE.format(cluster, 2)}
                    lives.append(Timeline(replace(about, seq=2, **over), (note,)))
                    await put(lives[-1].end)
                    starts.append(CLOCK.now())
                    b.start()
                    await until("the end", lambda: has_ended(to.events, lives[-1].end), b, WITHIN_S)
                    await CLOCK.sleep(1.0)  # until the end is recorded
                    before = len(to.events)
                    a.signal(signal.SIGCONT)
                    await until("both have a share", lambda: shared(topics, 2), a, WITHIN_S)
                    await CLOCK.sleep(2.0)
                    late += len(to.events) - before
                    assert b.end() == 0, b.err
                    await until("one has all", lambda: shared(topics, 1), a, WITHIN_S)
            assert a.end() == 0, a.err
        back = deliveries_set_back(await values(topics.bootstrap, topics.prefix, "deliveries"))
        report("sinks_frozen", FREEZES, notified(to.events, lives, starts, late=late, deliveries_back=back))


def shared(topics: Topics, by: int) -> bool:
    """Whether so many processes share each of the targets that the test looks at."""
    return all(sharers(topics.bootstrap, topics.prefix, target) == by for target in ("slack-0", "pagerduty"))


def deliveries_set_back(found: Iterable[Delivery]) -> int:
    """Deliveries that were written after one of a later record of the same incident to the same target."""
    newest: dict[tuple[str, str], int] = {}
    back = 0
    for each in found:
        key = (each.incident_id, each.target)
        back += each.seq < newest.get(key, 0)
        newest[key] = max(each.seq, newest.get(key, 0))
    return back


def to_pagerduty(to: Receiver, about: Incident) -> bool:
    """Whether PagerDuty has the page of an incident."""
    return any(event.kind == "trigger" and event.key == about.incident_id for event in to.events)


def to_slack(to: Receiver, about: Incident) -> bool:
    """Whether Slack has the first message of an incident; PagerDuty's page is being sent then."""
    return any(
        event.kind == "post" and event.payload["metadata"]["event_payload"]["incident_id"] == about.incident_id
        for event in to.events
    )


async def live(put: Put, to: Receiver, number: int, random: Random) -> Timeline:
    """Open, acknowledge, escalate and change an incident; resolve it once Slack and PagerDuty have received it."""
    cluster = f"shop-{number % CHANNELS}-{number}"
    about = made.incident(0, cluster=cluster, opened_at=CLOCK.now(), severity="warning", timeline=[])
    done: list[Action] = []

    async def write(**changes: Any) -> None:
        nonlocal about
        seq, now = about.seq + 1, CLOCK.now()
        happened = [*about.timeline, TimelineEntry(at=now, what=f"record {seq}")]
        about = replace(about, seq=seq, title=TITLE.format(cluster, seq), timeline=happened, **changes)
        await put(about)
        await CLOCK.sleep(random.uniform(0.0, PAUSE_S))

    async def act(kind: str) -> None:
        name = f"remark {number}-{len(done)}"
        done.append(made.action(kind, incident_id=about.incident_id, action_id=name, text=name, at=CLOCK.now()))
        await put(done[-1])
        await CLOCK.sleep(random.uniform(0.0, PAUSE_S))

    await write()
    if number % 2:
        await act("acknowledge")
    await write(severity="critical")
    if number % 4 == 0:
        await act("note")
    await write()
    async with asyncio.timeout(WITHIN_S):
        while not has_opened(to.events, about.incident_id):
            await CLOCK.sleep(0.1)
    await write(state="resolved", resolved_at=CLOCK.now())
    return Timeline(about, tuple(done))


def settings(topics: Topics, to: Receiver) -> dict[str, Any]:
    """Each channel gets the incidents of some clusters, the pager gets all."""
    slack = {"token": "xoxb-local-receiver", "api_url": f"{to.url}/api"}
    channels = {f"slack-{number}": {"slack": {**slack, "channel": f"#shop-{number}"}} for number in range(CHANNELS)}
    return {
        "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef", "url": to.url},
        "targets": channels,
        "routes": [
            {"match": {"cluster": f"shop-{number}-*"}, "to": [f"slack-{number}", "pagerduty"]}
            for number in range(CHANNELS)
        ],
        "kafka": {"bootstrap": topics.bootstrap, "topic_prefix": topics.prefix},
        "notify": {"update_every_s": 0},
    }
