"""Silences are announced once when they begin and once when they end, by processes on Apache Kafka, whatever happens.

People reported of other monitors that a silence expired without a word while its author was away
(https://github.com/prometheus/alertmanager/issues/730), and that nobody was notified of what had begun in a downtime
and went on after it (https://github.com/Icinga/icinga2/issues/3779).
"""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.silence import Silence
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks.kit import CLOCK, hook, process, until, values, writing
from tests.unit.sinks import made

KEY = "not much of a secret"


def settings(broker: Broker, prefix: str, url: str) -> dict[str, Any]:
    return {
        "webhook": {"url": url, "signing_key": KEY},
        "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
        "notify": {"update_every_s": 0},
    }


def maintenance(**changes: Any) -> Silence:
    """Of cluster orders, for a day, from now on."""
    now = CLOCK.now()
    given: dict[str, Any] = {
        "silence_id": "sil_1",
        "matchers": {"cluster": "orders"},
        "starts_at": now,
        "ends_at": now + timedelta(days=1),
        "created_by": "ada",
        "comment": "resize of pg-2",
    }
    return Silence(**given | changes)


@pytest.fixture
def kafka(apache_kafka: Broker, prefix: str) -> Broker:
    """Apache Kafka, with topics."""
    create_topics(apache_kafka, prefix, 3)
    return apache_kafka


async def test_both_ends_are_announced_once(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Two processes have the same target; one is killed in between, and the other takes its incidents over."""
    bootstrap = kafka.bootstrap
    with hook() as to, ExitStack() as stack:
        sinks = []
        for name in ("first", "second"):
            (folder := tmp_path / name).mkdir()
            sinks.append(stack.enter_context(process(folder, settings(kafka, prefix, to.url))))
            sinks[-1].start()
        first, second = sinks
        async with writing(bootstrap, prefix) as put:
            silence = maintenance()
            await put(silence)
            await until("the beginning", lambda: len(to.got) == 1, first)
            going = made.incident(1, opened_at=CLOCK.now())
            await put(going)
            while all(each.reason != "sil_1" for each in await values(bootstrap, prefix, "deliveries")):
                assert second.alive, second.err
                await CLOCK.sleep(0.2)
            first.kill()
            await put(replace(silence, ends_at=CLOCK.now(), ended_by="bob"))
            await until("the end, and what goes on", lambda: len(to.got) == 3, second)
            first.start()
            await put(made.incident(1, cluster="users", opened_at=CLOCK.now()))
            await until("another incident", lambda: len(to.got) == 4, second)
    received = [(event["data"]["incident"]["title"], event["data"]["occasion"]) for event in to.got]
    end = silence.ends_at.strftime("%Y-%m-%d %H:%M UTC")
    assert received[0] == (f"orders: silence of everything by ada until {end}", "opened")
    assert sorted(received[1:3]) == [
        ("orders: replay on pg-2 is blocked by a query", "opened"),
        ("orders: silence of everything by ada is over; 1 incident was held back, and goes on", "resolved"),
    ]
    over = next(
        event["data"]["incident"]["announcement"] for event in to.got if event["data"]["occasion"] == "resolved"
    )
    assert over["silences"][0]["ended_by"] == "bob"
    assert [(each["incident_id"], each["state"]) for each in over["held"]] == [(going.incident_id, "open")]
