"""Changes of servers that are sent to PagerDuty when they are seen."""

from types import SimpleNamespace
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.model.ids import NodeName
from leadline.settings.routing import RouteMatch, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import PagerDutySettings
from leadline.wire import outgoing
from leadline_sinks.notify.kafka_reader import REPLAY
from leadline_sinks.notify.routing import may_receive
from leadline_sinks.notify.sink import GiveUp, Sent
from leadline_sinks.pagerduty.change_consumer import ChangeConsumer
from tests.unit.sinks import made
from tests.unit.sinks.audited import change_record
from tests.unit.sinks.pagerduty.vendor import KEY, PagerDuty, over

KEYS = {"routing_key": Secret(KEY), "change_events": "always"}


def settings(*routes: RouteSettings, **given: Any) -> SinkSettings:
    return SinkSettings(pagerduty=PagerDutySettings(**KEYS), routes=list(routes), **given)


def record(value: Any, *headers: tuple[str, bytes]) -> Any:
    made_of = outgoing(value, "")
    return SimpleNamespace(topic=made_of.topic, partition=0, offset=1, value=made_of.value, headers=headers)


def due(*records: Any, now_s: float = 60.0) -> list[list[tuple[str, str]]]:
    """Node and setting of the changes that are sent together."""
    consumer = ChangeConsumer("pagerduty", settings(), over(PagerDuty()), ManualClock(made.later(now_s)))
    return [[(each.change.node, each.change.setting) for each in group] for group in consumer.due(records)]


def test_changes_of_one_look_are_one_event() -> None:
    """Those of another server, cluster or time are another."""
    at = made.later(0)
    records = [
        record(change_record(at)),
        record(change_record(at, "wal_keep_size")),
        record(change_record(at, node=NodeName("pg-2"))),
        record(change_record(at, cluster="users")),
        record(change_record(made.later(5), cluster="users")),
    ]
    assert [len(group) for group in due(*records)] == [2, 1, 1, 1]


def test_what_is_not_sent() -> None:
    """Changes of more than a day ago, those of a replay, and records that cannot be read."""
    now = record(change_record(made.later(0)))
    broken = SimpleNamespace(topic="changes", partition=0, offset=2, value=b"{", headers=())
    assert due(now, broken, record(change_record(made.later(0)), (REPLAY, b"1"))) == [
        [("pg-1", "max_slot_wal_keep_size")]
    ]
    assert due(now, now_s=86401.0) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (settings(), True),
        (settings(default=[]), False),
        (settings(RouteSettings(match=RouteMatch(cluster="users"), to=["pagerduty"]), default=[]), False),
        (settings(RouteSettings(match=RouteMatch(cluster="ord*"), to=["pagerduty"]), default=[]), True),
        (settings(RouteSettings(match=RouteMatch(severity="critical"), to=["pagerduty"]), default=[]), True),
        (settings(RouteSettings(match=RouteMatch(cluster="orders"), to=[])), False),
        (settings(RouteSettings(match=RouteMatch(severity="critical"), to=[])), True),
        (settings(RouteSettings(match=RouteMatch(datacenter="par1"), to=["pagerduty"]), default=[]), False),
    ],
)
def test_the_target_of_a_change_is_one_that_its_incidents_may_reach(given: SinkSettings, expected: bool) -> None:
    assert may_receive(given, "pagerduty", "orders", "fra1") is expected


async def test_a_change_event() -> None:
    """Cluster, server, both values and the file are in it; PagerDuty takes it, and opens no alert."""
    pagerduty = PagerDuty()
    at = made.later(0)
    assert await over(pagerduty).announce([change_record(at), change_record(at, "port", to="x" * 5000)]) == Sent()
    (event,) = pagerduty.events
    payload = event.payload["payload"]
    assert payload["summary"].startswith("orders: settings changed on pg-1: max_slot_wal_keep_size 10GB → 1GB; port")
    where = "/etc/postgresql/17/main/postgresql.conf line 812"
    assert payload["custom_details"]["max_slot_wal_keep_size"] == f"10GB → 1GB ({where})"
    assert (payload["source"], payload["timestamp"]) == ("pg-1", "2026-04-10T10:00:03.120Z")
    assert (pagerduty.kinds, pagerduty.problems, pagerduty.alerts) == (["change"], [], [])


async def test_the_key_of_a_ruleset_takes_none() -> None:
    assert isinstance(await over(PagerDuty(), "R" * 32).announce([change_record(made.later(0))]), GiveUp)
