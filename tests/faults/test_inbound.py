"""A button is pressed in Slack while the broker restarts: the person learns that it failed; the next press holds."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from leadline.model.action import Action
from tests.fixtures.kafka import Kafka
from tests.integration.sinks.kit import values
from tests.wild.notifying import notifying

pytestmark = pytest.mark.timeout(300)

ADA = ("U012AB3CD", "ada")
MORE = {"inbound": {"slack_app_token": "xapp-1-local"}}


async def test_pressed_while_the_broker_restarts(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """Slack shows the person an error. However often it is pressed then, and whether or not a press that failed is
    written later, the incident is acknowledged once, by that person, and PagerDuty is sent that once.
    """
    async with notifying(kafka, prefix, tmp_path, more=MORE) as it:
        await it.record()
        await it.until("Slack has buttons", lambda: any("leadline_acknowledge" in text for text in it.shown))
        await it.until("PagerDuty has an alert", lambda: [alert.state for alert in it.alerts] == ["triggered"])
        await it.until("Socket Mode works", lambda: "buttons in Slack work" in it.sink.err)
        await asyncio.to_thread(kafka.down, signal.SIGTERM)
        failed = await asyncio.to_thread(it.receiver.press, "Acknowledge", ADA)
        assert failed == "no answer within three seconds"
        assert "a button in Slack was not taken: Kafka does not answer in time" in it.sink.err
        await asyncio.to_thread(kafka.up)
        await it.until("a press holds", lambda: it.receiver.press("Acknowledge", ADA) == "acknowledged")
        await it.until("Slack", lambda: any("acknowledged by `ada`" in text for text in it.shown))
        await it.until("PagerDuty", lambda: [alert.state for alert in it.alerts] == ["acknowledged"])
        actions: list[Any] = await values(kafka.bootstrap, prefix, "actions")
        assert {(each.kind, each.by) for each in actions if isinstance(each, Action)} == {("acknowledge", "ada")}
        done = [each.payload["event_action"] for each in it.alerts[0].log]
        assert done.count("trigger") == done.count("acknowledge") == 1
