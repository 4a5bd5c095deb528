"""Vendors that limit, fail, lose an answer or a message; sinks that are restarted meanwhile."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline_lab.receiver.faults import Fault, Kind
from tests.fixtures.brokers import Broker
from tests.integration.sinks.kit import CLOCK
from tests.unit.sinks import made
from tests.wild.conftest import Wild
from tests.wild.notifying import notifying


@pytest.mark.quick
@pytest.mark.situation(
    861, "Twelve problems at once, and Slack limits the rate", "SigNoz/signoz#12891", "alertmanager#2111", "oncall#4087"
)
async def test_slack_limits_the_rate(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Every page at once, every message in its turn, and every end, also of those that ended before their turn."""
    async with notifying(broker, prefix, tmp_path, limited=True) as it:
        given = [made.incident(1, cluster=f"shop-{n}", opened_at=CLOCK.now()) for n in range(12)]
        wild.begins()
        for each in given:
            await it.put(each)
        await it.until("every page", lambda: len(it.alerts) == len(given))
        wild.answers("every page in its turn, and no message lost")
        await it.until("every message", lambda: len(it.slack("post")) == len(given))
        for each in given:
            await it.put(replace(each, seq=2, state="resolved", resolved_at=CLOCK.now()))
        await it.until("every end", lambda: sum("RESOLVED" in text for text in it.shown) == len(given))
        await it.until("every end", lambda: {each.state for each in it.alerts} == {"resolved"})


@pytest.mark.quick
@pytest.mark.situation(
    862,
    "A problem begins and ends while Slack is away",
    "SigNoz/signoz#12891",
    "grafana/alerting#156",
    "sensu-plugins-pagerduty#31",
)
async def test_slack_is_away_for_a_whole_problem(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """PagerDuty is not delayed. When Slack is back, the channel gets one message, with the end."""
    async with notifying(broker, prefix, tmp_path) as it:
        it.receiver.fail(Fault("slack", Kind.UNAVAILABLE))
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        await it.until("an attempt", lambda: any("chat.post" in each.path for each in it.receiver.requests))
        await it.ends()
        await it.until("the end in PagerDuty", lambda: it.alerts[0].state == "resolved")
        wild.begins()
        it.receiver.fail(Fault("slack", Kind.NONE))
        await it.until("the message", lambda: it.slack("post"))
        wild.answers("one message, with the end")
        assert "RESOLVED" in it.shown[0]
        await asyncio.sleep(2.0)
        assert len(it.slack("post")) == 1


@pytest.mark.quick
@pytest.mark.situation(
    863, "The vendor accepts a message and its answer is lost", "YelpArchive/elastalert#1345", "alertmanager#1005"
)
async def test_an_answer_is_lost(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """PagerDuty has one alert, since the key is the same; in Slack at most one message more."""
    async with notifying(broker, prefix, tmp_path) as it:
        for vendor in ("slack", "pagerduty"):
            it.receiver.fail(Fault(vendor, Kind.HALF, requests=1))
        wild.begins()
        await it.record()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        await it.ends()
        await it.until("the end", lambda: it.alerts[0].state == "resolved" and "RESOLVED" in it.shown[-1])
        wild.answers("one page")
        assert len(it.alerts) == 1
        assert len(it.slack("post")) <= 2


@pytest.mark.quick
@pytest.mark.situation(
    864, "Somebody deletes the message in Slack", "vllm-project/vllm-dashboard#140", "target/goalert#2004"
)
async def test_a_message_is_deleted(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The next update is a new message, and so the end is read."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("the message", lambda: len(it.slack("post")) == 1)
        it.receiver.forget("slack")
        wild.begins()
        await it.record(worst_lag_s=90.0)
        await it.until("another message", lambda: len(it.slack("post")) == 1)
        wild.answers("a new message")
        await it.ends()
        await it.until("the end", lambda: "RESOLVED" in it.shown[0])
        assert len(it.slack("post")) == 1


@pytest.mark.quick
@pytest.mark.situation(
    865, "The sink is killed, and the problem ends before it is back", "grafana#68162", "alertmanager#2570"
)
async def test_a_problem_ends_while_the_sink_is_away(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The end is sent by the next process."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        it.sink.kill()
        await it.ends()
        wild.begins()
        it.sink.start()
        await it.until("both ends", lambda: it.alerts[0].state == "resolved" and "RESOLVED" in it.shown[0])
        wild.answers("the end, in both")
        assert (len(it.alerts), len(it.slack("post"))) == (1, 1)


@pytest.mark.quick
@pytest.mark.situation(866, "The sink is restarted again and again", "alertmanager#627", "alertmanager#1005")
async def test_a_sink_that_is_restarted(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Nobody is notified again of what is open."""
    async with notifying(broker, prefix, tmp_path) as it:
        await it.record()
        await it.until("both", lambda: len(it.alerts) == 1 and it.slack("post"))
        wild.begins()
        for _ in range(2):
            assert it.sink.end() == 0
            it.sink.start()
            edits = len(it.slack("update"))
            await it.record(worst_lag_s=(it.incident.worst_lag_s or 10.0) * 2)
            await it.until("the edit", lambda edits=edits: len(it.slack("update")) > edits)
        wild.answers("one page, one message")
        assert (len(it.alerts), len(it.slack("post"))) == (1, 1)
        assert sum(event.kind == "trigger" for event in it.receiver.events) == 1


@pytest.mark.quick
@pytest.mark.situation(
    867, "Slack waits for half a minute, PagerDuty does not", "oncall#4087", "alertmanager#2128", "elastic/kibana#44127"
)
async def test_a_slow_vendor_delays_no_other(wild: Wild, broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Slack's Retry-After holds back Slack; nothing is sent there before it is over."""
    async with notifying(broker, prefix, tmp_path) as it:
        it.receiver.fail(Fault("slack", Kind.RATE_LIMITED, requests=1, retry_after_s=4))
        wild.begins()
        await it.record()
        await it.until("the page", lambda: len(it.alerts) == 1)
        wild.answers("the page, while Slack waits")
        assert it.slack("post") == []
        await it.until("the message", lambda: len(it.slack("post")) == 1)
        asked = [each.at for each in it.receiver.requests if "chat.postMessage" in each.path]
        assert (asked[1] - asked[0]).total_seconds() >= 4
