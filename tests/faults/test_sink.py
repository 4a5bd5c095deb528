"""A sink that is killed at random instants while incidents open, escalate and resolve: each is notified to its end."""

import asyncio
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.action import Action
from leadline.model.incident import Incident, TimelineEntry
from leadline_lab.receiver import pagerduty
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.server import Receiver
from tests.faults.conftest import Report
from tests.faults.notified import TITLE, VENDORS, Timeline, has_ended, has_opened, notified
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import Put, process, until, writing
from tests.integration.streams.kit import CLOCK, Topics
from tests.unit.sinks import made

pytestmark = pytest.mark.timeout(600)

KILLS = 5
CHANNELS = 5
"""A sink sends 40 messages a minute to each."""
AT_ONCE = 8
"""Number of incidents that open when a sink is started."""
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
