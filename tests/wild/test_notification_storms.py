"""Many incidents at once, against the vendors' stand-in with its limits."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.model.incident import Affected, Incident
from leadline_lab.receiver.pagerduty import Alert, alerts
from leadline_lab.receiver.server import Receiver
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks.kit import CLOCK, process, until, values, writing
from tests.unit.sinks import made
from tests.wild.conftest import Wild

CLUSTERS = 100


def lost(number: int) -> Incident:
    """The incident of one cluster whose primary was in the datacenter."""
    return made.incident(
        1,
        cluster=f"shop-{number:03}",
        opened_at=CLOCK.now(),
        title=f"shop-{number:03}: the host of pg-1 is down or cut off",
        datacenters=["ams1", "fra1"],
        silent_datacenters=["fra1"],
        affected=Affected(nodes=["pg-1"]),  # type: ignore[list-item]
        causes=[made.cause("host_down", summary="agent and server of pg-1 are both gone", steps=[], fix="-")],
        rules=["agent_silent"],
    )


def over(incident: Incident) -> Incident:
    return replace(incident, seq=incident.seq + 1, state="resolved", resolved_at=CLOCK.now())


@pytest.mark.quick
@pytest.mark.situation(
    860,
    "A datacenter with 100 clusters is gone",
    "influxdata/kapacitor#1734",
    "department-of-veterans-affairs/va.gov-team#2924",
    "kubermatic/kubermatic#3833",
)
async def test_a_datacenter_is_gone(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """One page and one message that name the datacenter. Two clusters that do not come back are notified after it."""
    create_topics(broker, prefix, 4)
    with Receiver() as receiver:
        settings = {
            "pagerduty": {"routing_key": "a" * 32, "url": receiver.url},
            "slack": {"token": "xoxb-1", "channel": "#dba", "api_url": f"{receiver.url}/api"},
            "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
            "notify": {"critical_wait_s": 5, "group_wait_s": 10},
        }
        with process(tmp_path, settings) as sink:
            sink.start()
            async with writing(broker.bootstrap, prefix) as put:
                wild.begins()
                records = [lost(number) for number in range(CLUSTERS)]
                for record in records:
                    await put(record)

                def posts() -> list[str]:
                    return [str(e.payload["text"]) for e in receiver.events if e.vendor == "slack" and e.kind == "post"]

                await until("the page", lambda: alerts(receiver.events) and posts(), sink)
                (page,) = alerts(receiver.events)
                summary = str(page.log[0].payload["payload"]["summary"])
                assert summary.startswith("fra1: 100 clusters see no server in this datacenter; 100 nodes, since ")
                wild.answers(f"one page: {summary.partition(';')[0]}")
                await asyncio.sleep(8.0)  # the time after which each would have been notified of itself
                assert len(alerts(receiver.events)) == len(posts()) == 1
                for record in records[2:]:
                    await put(over(record))
                await until("the end", lambda: page_of(receiver, page.key).state == "resolved", sink)
                await until("the others", lambda: len(alerts(receiver.events)) == 3 and len(posts()) == 3, sink)
                left = {each.key for each in alerts(receiver.events)} - {page.key}
                assert left == {record.incident_id for record in records[:2]}
            assert sink.end() == 0
    held = [each for each in await values(broker.bootstrap, prefix, "deliveries") if each.reason == page.key]
    assert {each.outcome for each in held} == {"suppressed"}
    assert len({each.incident_id for each in held}) == CLUSTERS


def page_of(receiver: Receiver, key: str) -> Alert:
    """The alert of a key."""
    return next(each for each in alerts(receiver.events) if each.key == key)
