"""Whom Leadline notifies, when, and of what: real sinks, Kafka, and the vendors' stand-in, which keeps their rules."""

import asyncio
import json
from pathlib import Path

import pytest

from leadline.model.alert import Subject
from leadline.model.ids import NodeName
from leadline.model.incident import Affected
from leadline_lab.receiver.server import Receiver
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.fixtures.proxy import LOGIN, forward_proxy
from tests.integration.sinks.kit import CLOCK, process, until, values, writing
from tests.unit.sinks import made
from tests.wild.conftest import Wild
from tests.wild.notifying import notifying

CRASH = made.cause(
    "primary_down",
    summary="pg-1 does not answer: connection refused",
    subject=Subject(kind="node", id="orders/pg-1", node=NodeName("pg-1")),
    steps=[],
    fix="-",
)


@pytest.mark.quick
@pytest.mark.situation(
    22,
    "The primary crashes while an acknowledged warning is open",
    "prometheus/alertmanager#2874",
    "sensu-plugins-pagerduty#30",
    "getsentry/sentry#82033",
)
async def test_an_acknowledged_warning_becomes_an_outage(
    wild: Wild, broker: Broker, prefix: str, tmp_path: Path, run: Run
) -> None:
    """PagerDuty appends to an acknowledged alert and notifies nobody, so another alert is opened, and Slack repeats the
    incident in the channel. Both alerts end with it."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        acknowledged = await asyncio.to_thread(
            run, "incidents", "ack", it.incident.incident_id, "--by", "ada", "-c", it.config
        )
        assert acknowledged.code == 0
        await it.until("the acknowledgement", lambda: it.alerts[0].state == "acknowledged")
        wild.begins()
        await it.record(severity="critical", generation=2, causes=[CRASH], title="orders: pg-1 is down")
        await it.until("the second page", lambda: len(it.alerts) == 2 and it.broadcasts)
        ident = it.incident.incident_id
        assert [(alert.key, alert.state) for alert in it.alerts] == [
            *((ident, "acknowledged"), (f"{ident}#2", "triggered"))
        ]
        summary = it.alerts[1].log[0].payload["payload"]["summary"]
        assert summary.startswith("orders: pg-1 is down; since ")
        wild.answers(f"another page, {ident.partition('_')[0]}_…#2: {summary.partition(';')[0]}")
        assert "Escalated to critical" in it.broadcasts[0]
        assert "The acknowledgement by `ada`" in it.broadcasts[0]
        await it.ends()
        await it.until("both ends", lambda: {alert.state for alert in it.alerts} == {"resolved"})
        assert len(it.slack("post")) == 1


@pytest.mark.quick
@pytest.mark.situation(25, "A problem that comes and goes", "alertmanager#204", "alertmanager#3048")
async def test_a_problem_that_comes_and_goes(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Four times well for a moment: one page, one more when it returns, one message, one notice in the channel."""
    async with notifying(broker, prefix, tmp_path, settle_s=2) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        await it.ends()
        await it.until("the end", lambda: it.alerts[0].state == "resolved")
        wild.begins()
        await it.returns()
        await it.until("the notice", lambda: len(it.broadcasts) == 1 and len(it.alerts) == 2)
        assert it.broadcasts[0].startswith("*Returned after ")
        for number in range(3):
            edits = len(it.slack("update"))
            await it.ends()
            await it.returns()
            await it.until("the update", lambda edits=edits: len(it.slack("update")) > edits)
            assert len(it.alerts) == 2, number
        await it.ends()
        await it.until("the end", lambda: {alert.state for alert in it.alerts} == {"resolved"})
        wild.answers("one page, one more when it returned, one end that lasted")
        assert len(it.alerts) == 2
        assert (len(it.slack("post")), len(it.broadcasts)) == (1, 1)


@pytest.mark.quick
@pytest.mark.situation(27, "PagerDuty's alert is resolved by hand while the problem goes on", "oncall#5392")
async def test_an_alert_that_was_resolved_by_hand(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """It is opened again after the time that is set. One that is acknowledged by hand stays so."""
    async with notifying(broker, prefix, tmp_path, reopen_s=3) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        it.receiver.by_hand(it.incident.incident_id, "acknowledge")
        await it.until("two triggers more", lambda: len(it.alerts[0].log) == 4)
        assert [alert.state for alert in it.alerts] == ["acknowledged"]
        wild.begins()
        it.receiver.by_hand(it.incident.incident_id, "resolve")
        await it.until("the page", lambda: len(it.alerts) == 2)
        wild.answers("opened again, under the same key")
        assert [alert.state for alert in it.alerts] == ["resolved", "triggered"]
        await it.ends()
        await it.until("the end", lambda: it.alerts[1].state == "resolved")
    last = {each.target: each for each in await values(broker.bootstrap, prefix, "deliveries")}
    assert last["slack"].occasion == "resolved"


@pytest.mark.quick
@pytest.mark.situation(31, "A record of what people were sent", "first-hour B3")
async def test_the_record_of_what_was_sent(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Deliveries are `sent` as often as the vendor accepted something, however often the incident changed."""
    async with notifying(broker, prefix, tmp_path, reopen_s=0) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1 and it.slack("post"))
        for number in range(5):
            await it.record(worst_lag_s=10.0 + number)
            edits = number + 1
            await it.until("the edit", lambda edits=edits: len(it.slack("update")) == edits)
        await it.ends()
        await it.until("the end", lambda: it.alerts[0].state == "resolved" and len(it.slack("update")) == 6)
        accepted = [event.kind for event in it.receiver.events if event.vendor == "pagerduty"]
    outcomes = [
        each.outcome for each in await values(broker.bootstrap, prefix, "deliveries") if each.sink == "pagerduty"
    ]
    assert accepted == ["trigger", "resolve"]
    assert outcomes.count("sent") == 2
    assert set(outcomes) == {"attempted", "sent", "nothing_new"}
    wild.answers(f"2 sent, {outcomes.count('nothing_new')} with nothing new")


@pytest.mark.quick
@pytest.mark.situation(33, "The first line that people read", "first-hour B7")
async def test_the_first_line(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """It says what is wrong, how bad it is, and since when, in Slack and PagerDuty."""
    async with notifying(broker, prefix, tmp_path) as it:
        affected = Affected(links=["orders/pg-1->pg-2"], nodes=[NodeName("pg-2")])
        await it.record(severity="critical", worst_lag_s=62.5, affected=affected, causes=[made.cause()])
        await it.until("both", lambda: it.alerts and it.slack("post"))
        began = f"{it.incident.opened_at:%H:%M} UTC"
        line = f"{it.incident.title}; up to 1 min 2 s behind, pg-1 → pg-2, since {began}"
        assert it.alerts[0].log[0].payload["payload"]["summary"] == f"{line}; {made.cause().summary}"
        assert it.slack("post")[0]["blocks"][0]["text"]["text"] == f"🔴 CRITICAL {line}"
        wild.answers(line.replace(began, "… UTC"))
        await it.ends()
        await it.until("the end", lambda: it.alerts[0].state == "resolved")
        end = json.dumps(it.alerts[0].log[-1].payload, ensure_ascii=False)
        assert "pid 4711" in end
        assert "resolved after" in end


@pytest.mark.situation(26, "The vendors are reached through a proxy only", "alertmanager#554", "grafana#7818")
async def test_through_a_proxy(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The addresses of the vendors mean nothing on this host; the proxy asks for a login."""
    create_topics(broker, prefix, 1)
    with Receiver(limited=False) as receiver, forward_proxy(receiver.url, login=True) as proxy:
        settings = {
            "pagerduty": {"routing_key": "a" * 32, "url": "http://events.pagerduty.invalid"},
            "slack": {"token": "xoxb-1", "channel": "#dba", "api_url": "http://slack.invalid/api"},
            "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
            "proxy": {"url": f"http://{LOGIN}@{proxy.address}"},
        }
        with process(tmp_path, settings) as sink:
            async with writing(broker.bootstrap, prefix) as put:
                wild.begins()
                sink.start()
                await put(made.incident(1, opened_at=CLOCK.now()))
                await until("both", lambda: len({event.vendor for event in receiver.events}) == 2, sink)
                wild.answers("one page and one message, through the proxy")
            assert sink.end() == 0
            assert LOGIN.partition(":")[2] not in sink.err
    assert "POST http://events.pagerduty.invalid/v2/enqueue" in proxy.requests
    assert "POST http://slack.invalid/api/chat.postMessage" in proxy.requests


@pytest.mark.situation(201, "Two incidents turn out to be one", "alertmanager#2874", "keephq/keep#2481")
async def test_two_incidents_that_are_one(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The younger one's page ends with the identity of the older one; nobody is notified of one that nobody knew."""
    async with notifying(broker, prefix, tmp_path, group_wait_s=60) as it:
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1 and it.slack("post"))
        older, it.incident = it.incident.incident_id, made.incident(1, opened_at=CLOCK.now(), severity="warning")
        await it.record()
        await it.until("the second page", lambda: len(it.alerts) == 2 and len(it.slack("post")) == 2)
        wild.begins()
        await it.ends(merged_into=older)
        await it.until("the end", lambda: it.alerts[1].state == "resolved" and it.slack("reply"))
        assert it.alerts[0].state == "triggered"
        assert f"*Merged* into `{older}`" in it.slack("reply")[-1]["text"]
        assert f"into {older}, since both are one problem" in json.dumps(it.alerts[1].log[-1].payload)
        wild.answers(f"merged into {older}")
        it.incident = made.incident(1, opened_at=CLOCK.now(), severity="warning", causes=[made.UNKNOWN])
        await it.record()
        await it.ends(merged_into=older)
        marker = it.incident = made.incident(1, cluster="marker", opened_at=CLOCK.now())
        await it.record()
        await it.until("the marker", lambda: len(it.alerts) == 3 and len(it.slack("post")) == 3)
        assert it.alerts[2].key == marker.incident_id
