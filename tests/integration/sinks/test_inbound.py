"""Buttons in Slack and webhooks of PagerDuty come in: one record, seen everywhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from leadline_lab.receiver.pagerduty_webhook import headers
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.brokers import Broker
from tests.integration.sinks.kit import values
from tests.unit.sinks import made
from tests.wild.notifying import Notifying, notifying

SIGNING, HOOK = "signing-secret-of-the-app", "secret-of-the-subscription"
ADA = ("U012AB3CD", "ada")


def inbound(port: Port | None = None, **more: Any) -> dict[str, Any]:
    """The settings: Socket Mode, or a port for requests."""
    if port is None:
        return {"inbound": {"slack_app_token": "xapp-1-local", **more}}
    secrets = {"slack_signing_secret": SIGNING, "pagerduty_secret": HOOK}
    return {"inbound": {"port": port.number, **secrets, **more}}


def printed(*words: object) -> str:
    """The output of a command, in a process of its own."""
    command = [sys.executable, "-m", "leadline_cli", *map(str, words)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


async def opened(it: Notifying) -> None:
    """An incident that Slack and PagerDuty have, with its buttons."""
    await it.record()
    await it.until("Slack has buttons", lambda: any("leadline_acknowledge" in text for text in it.shown))
    await it.until("PagerDuty has an alert", lambda: [alert.state for alert in it.alerts] == ["triggered"])


async def acts(broker: Broker, prefix: str) -> list[tuple[str, str, str]]:
    """Kind, person and text of each action on the topic, each once."""
    found = {each.action_id: each for each in await values(broker.bootstrap, prefix, "actions")}
    return [(each.kind, each.by, each.text) for each in found.values()]


@pytest.mark.parametrize("way", ["socket", "request"])
async def test_a_button_acknowledges_everywhere(
    broker: Broker, prefix: str, tmp_path: Path, log_server: Server, database: str, way: str
) -> None:
    """Pressed in Slack, an acknowledgement is in its message, in PagerDuty, in the incident log and its command."""
    with Port() as port:
        more = inbound(port if way == "request" else None) | {"incident_log": {"dsn": log_server.dsn(database)}}
        async with notifying(broker, prefix, tmp_path, more=more) as it:
            it.receiver.connect(request_url=f"http://127.0.0.1:{port.number}/slack/actions", signing_secret=SIGNING)
            await opened(it)
            if way == "socket":
                await it.until("Socket Mode works", lambda: "buttons in Slack work" in it.sink.err)
            assert it.receiver.press("Acknowledge", ADA, times=3) == "acknowledged"
            await it.until("Slack", lambda: any("acknowledged by `ada`" in text for text in it.shown))
            await it.until("PagerDuty", lambda: [alert.state for alert in it.alerts] == ["acknowledged"])
            assert not any("leadline_acknowledge" in text for text in it.shown)
            assert await acts(broker, prefix) == [("acknowledge", "ada", "")]
            answers = [each["text"] for each in it.slack("ephemeral")]
            assert answers[0] == f"{it.incident.incident_id} is acknowledged by ada."
            assert "already" in answers[1]

            def listed() -> bool:
                return "acknowledged by ada" in printed("incidents", "show", it.incident.incident_id, "-c", it.config)

            await it.until("the incident log has it", listed)


async def test_a_silence_for_an_hour(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Everybody sees by whom and until when the incident is silenced; the list of silences has it. Ended on the command
    line, it is no longer shown. Nothing is announced besides, and nothing comes to PagerDuty."""
    async with notifying(broker, prefix, tmp_path, more=inbound(), unseen_ack_s=0, announce_silences="always") as it:
        await opened(it)
        await it.until("Socket Mode works", lambda: "buttons in Slack work" in it.sink.err)
        assert it.receiver.press("Silence 1 h", ADA, times=2) == "acknowledged"
        (silence,) = {each.silence_id: each for each in await values(broker.bootstrap, prefix, "silences")}.values()
        assert silence.matchers == {"incident": it.incident.incident_id}
        assert silence.created_by == "ada"
        await it.until("the answer", lambda: len(it.slack("ephemeral")) == 2)
        assert "silenced until" in it.slack("ephemeral")[0]["text"]
        listed = printed("silence", "list", "-c", it.config, "--format", "json")
        assert json.loads(listed)["silence_id"] == silence.silence_id
        await it.until("Slack shows it", lambda: "*silenced* by `ada` until" in it.shown[0])
        assert "leadline_silence" not in it.shown[0]
        await it.until("how to end it", lambda: f"silence expire {silence.silence_id}" in str(it.slack("reply")))
        assert "no longer silenced" in printed("silence", "expire", silence.silence_id, "-c", it.config)
        await it.until("Slack shows that it is over", lambda: "*silenced*" not in it.shown[0])
        await it.until("the reply", lambda: "*No longer silenced*: it is still open" in str(it.slack("reply")))
        assert len(it.shown) == 1
        assert len(it.alerts) == 1
        assert [each.payload["event_action"] for each in it.alerts[0].log] == ["trigger"]


async def test_socket_mode_goes_on(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Slack ends each connection after some hours and says so; another one is opened (slackapi/bolt-js issue 1906)."""
    async with notifying(broker, prefix, tmp_path, more=inbound()) as it:
        await opened(it)
        await it.until("Socket Mode works", lambda: it.sink.err.count("buttons in Slack work") == 1)
        it.receiver.end_sockets()
        await it.until("it works again", lambda: it.sink.err.count("buttons in Slack work") == 2)
        assert it.receiver.press("Acknowledge", ADA) == "acknowledged"
        await it.until("Slack", lambda: any("acknowledged by `ada`" in text for text in it.shown))


async def test_what_people_do_in_pagerduty(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """An acknowledgement there is one here; a resolution by hand is a note, since the incident goes on. What our own
    events do comes back as webhooks, too, and makes nothing."""
    with Port() as port:
        async with notifying(broker, prefix, tmp_path, more=inbound(port)) as it:
            it.receiver.connect(webhook_url=f"http://127.0.0.1:{port.number}/pagerduty/webhook", secret=HOOK)
            await opened(it)
            await it.until("it listens", lambda: "come in at" in it.sink.err)
            key = it.alerts[0].key
            assert it.receiver.by_hand(key, "acknowledge", "Grace") == [202]
            await it.until("Slack", lambda: any("acknowledged by `Grace`" in text for text in it.shown))
            assert it.receiver.reassign(key, "Ada", "Grace") == [202]
            assert it.receiver.annotate(key, "pg-2 is being rebuilt", "Grace") == [202]
            assert it.receiver.by_hand(key, "resolve", "Grace") == [202]
            await it.until("the notes are in Slack", lambda: "resolved in PagerDuty" in str(it.slack("reply")))
            await it.ends()
            await it.until("Slack has the end", lambda: any("RESOLVED" in text for text in it.shown))
            assert sorted(await acts(broker, prefix)) == [
                ("acknowledge", "Grace", "in PagerDuty"),
                ("note", "Grace", "in PagerDuty: pg-2 is being rebuilt"),
                ("note", "Grace", "reassigned in PagerDuty to Ada"),
                ("note", "Grace", "resolved in PagerDuty; the incident is open, and its alert is opened again"),
            ]


async def test_requests_that_are_refused(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Unsigned, replayed, too large, too slow: each has its status, and writes nothing."""
    with Port() as port:
        async with notifying(broker, prefix, tmp_path, more=inbound(port)) as it:
            await opened(it)
            await it.until("it listens", lambda: "come in at" in it.sink.err)
            base = f"http://127.0.0.1:{port.number}"
            with httpx.Client(base_url=base, trust_env=False, timeout=30) as client:
                assert client.post("/slack/actions", content=b"payload={}").status_code == 403
                assert client.post("/pagerduty/webhook", content=b"{}").status_code == 401
                assert client.post("/pagerduty/webhook", content=b"x" * 300_000).status_code == 413
                assert client.get("/slack/actions").status_code == 405
                assert client.get("/").status_code == 404
                ping = orjson.dumps({"event": {"id": "x", "event_type": "pagey.ping", "data": {}}})
                for body, status in ((ping, 202), (b"{", 400)):
                    answered = client.post("/pagerduty/webhook", content=body, headers=headers(body, HOOK))
                    assert answered.status_code == status
            assert await acts(broker, prefix) == []


async def test_an_incident_that_there_is_not(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """A button of a message that is older than the incidents: the person learns that nothing was changed."""
    async with notifying(broker, prefix, tmp_path, more=inbound()) as it:
        await opened(it)
        await it.until("Socket Mode works", lambda: "buttons in Slack work" in it.sink.err)
        await it.ends()
        await it.until("Slack has the end", lambda: any("RESOLVED" in text for text in it.shown))
        stale = httpx.post(
            f"{it.receiver.url}/api/chat.postMessage",
            json={"channel": "#dba", "text": "x", "blocks": [_button("inc_gone"), _divider()]},
            headers={"authorization": "Bearer xoxb-1"},
            trust_env=False,
        )
        assert stale.json()["ok"], stale.text
        assert it.receiver.press("Acknowledge", ADA) == "acknowledged"
        await it.until("the answer", lambda: len(it.slack("ephemeral")) == 1)
        assert "Leadline has no incident inc_gone" in it.slack("ephemeral")[0]["text"]
        assert await acts(broker, prefix) == []


def _button(incident: str) -> Any:
    from leadline_sinks.slack.buttons import buttons

    return buttons(made.incident(incident_id=incident))


def _divider() -> dict[str, str]:
    return {"type": "divider"}
