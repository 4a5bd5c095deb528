"""A finding of the audit from real servers to Slack: agents, broker, worker and sink, each a process of its own.

The setting is one that people change so that pg_dump on a replica is not cancelled, and forget:
https://github.com/cityofaustin/atd-data-tech/issues/11380. What one fix repairs on several servers is one notification:
https://github.com/centreon-archive/centreon-engine/issues/583.
"""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from leadline.model.audit_result import AuditResult
from leadline.model.incident import Incident
from leadline_lab.pipeline import Pipeline
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually

RULE = "PG-SBY-001"
SANDBOX = ("PG-WAL-002",)
ACCEPTED = [{"rule": rule, "owner": "tests", "reason": "a sandbox", "until": "2099-12-31"} for rule in SANDBOX]


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A primary and two standbys, on both of which queries may stop replay for ever."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1")
        for name in ("pg-2", "pg-3"):
            fleet.standby(name, primary, settings={"max_standby_streaming_delay": "-1"})
        fleet.wait_caught_up()
        yield fleet


def slack(receiver: Receiver, *kinds: str) -> list[str]:
    """The texts in Slack about the rule, of posts or of edits."""
    texts = [str(event.payload.get("text", "")) for event in receiver.events if event.kind in kinds]
    return [text for text in texts if RULE in text]


async def published(pipeline: Pipeline, topic: str) -> list[Any]:
    """The values of a topic so far."""
    found: list[Any] = []
    async with aclosing(pipeline.follow([topic])) as batches:
        async for batch in batches:
            if not batch and found:
                return found
            found += batch
    return found


def test_one_notice_lists_the_standbys_and_ends_with_the_repair(fleet: Fleet) -> None:
    """One message names both; after ALTER SYSTEM and a reload on both it says that it is over. Nobody is paged."""
    with Pipeline() as pipeline, Receiver() as receiver:
        stream = {"audit": {"spread_s": 0.0, "digest_s": 0.0, "accepted": ACCEPTED}, "judgement": {"quiet_s": 5.0}}
        pipeline.start("stream", stream)
        instances = [
            {"dsn": server.dsn(user=AGENT), "name": name, "cluster": "orders"} for name, server in fleet.servers.items()
        ]
        pipeline.start("agent", {"instances": instances, "spool": {"path": str(pipeline.file("spool.sqlite3"))}})
        targets = {
            "slack": {"token": "xoxb-1", "channel": "#dba", "api_url": f"{receiver.url}/api"},
            "pagerduty": {"routing_key": "0" * 32, "url": receiver.url},
        }
        pipeline.start("sink", targets, "slack", "pagerduty")
        eventually("the notice", lambda: bool(slack(receiver, "post")), 60)
        (posted,) = slack(receiver, "post")
        assert "pg-2, pg-3" in posted
        for name in ("pg-2", "pg-3"):
            fleet.servers[name].query("ALTER SYSTEM SET max_standby_streaming_delay = '30s'")
            fleet.servers[name].query("SELECT pg_reload_conf()")
        eventually("its end", lambda: any("RESOLVED" in text for text in slack(receiver, "update")), 60)
        assert len(slack(receiver, "post")) == 1
        assert [event for event in receiver.events if event.kind == "trigger"] == []
        results: list[AuditResult] = asyncio.run(published(pipeline, "audits"))
        found = [{each.rule for each in result.findings} for result in results]
        assert RULE in found[0]
        assert RULE not in found[-1]
        assert {each.rule for each in results[0].findings if each.accepted is not None} == set(SANDBOX)
        assert results[0].nodes == ("pg-1", "pg-2", "pg-3")
        records: list[Incident] = asyncio.run(published(pipeline, "incidents"))
        notices = [each for each in records if RULE in each.title]
        assert {each.class_ for each in notices} == {"notice"}
        assert notices[-1].state == "resolved"
