"""A sink that is killed at random instants while incidents open, escalate and resolve: each is notified to its end."""

import asyncio
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.action import Action
from leadline.model.incident import TimelineEntry
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
