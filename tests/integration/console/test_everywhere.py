"""An acknowledgement and a silence of the console are seen by the sinks, the vendors and on the command line, and back.

All of it as processes, over Apache Kafka, with stand-ins for Slack and PagerDuty. Of another console people reported
that an acknowledgement in the page never reached the pager, which went on to escalate:
https://github.com/zalando-zmon/zmon-controller/issues/519
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from leadline.model.action import Action
from leadline.settings.common import KafkaSettings
from leadline.wire import Outgoing, outgoing
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.fixtures.console_values import node, now
from tests.integration.console.test_feed import write
from tests.integration.sinks.kit import Process, process, values
from tests.unit.console.story import blocked

TOKEN = "s" * 24
WITHIN_S = 60.0


class ConsoleProcess:
    """`leadline console`, and what a program with a token does there."""

    def __init__(self, folder: Path, kafka: dict[str, str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        token = {"name": "ada", "role": "admin", "token": TOKEN}
        settings = {"web": {"port": port}, "sign_in": {"tokens": [token]}, "kafka": kafka}
        file = folder / "console.yaml"
        file.touch(mode=0o600)
        file.write_text(json.dumps(settings))
        self._output = (folder / "console.log").open("wb")
        command = [sys.executable, "-m", "leadline_cli", "console", "-c", str(file)]
        self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output)

    def asks(self, path: str, form: dict[str, str] | None = None) -> Any:
        """The JSON of a page, or what a form answers; None while it does not answer."""
        request = urllib.request.Request(
            self.url + path,
            data=urlencode(form).encode() if form is not None else None,
            headers={"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def close(self) -> int:
        """End it as a supervisor does; its exit code."""
        self._running.terminate()
        code = self._running.wait(30)
        self._output.close()
        return code


@pytest.fixture
def kafka(apache_kafka: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a Kafka with topics, also in the environment of commands."""
    create_topics(apache_kafka, prefix, 3)
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", apache_kafka.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    return {"bootstrap": apache_kafka.bootstrap, "topic_prefix": prefix}


@pytest.fixture
def console(kafka: dict[str, str], tmp_path: Path) -> Iterator[ConsoleProcess]:
    with Port() as port:
        made = ConsoleProcess(tmp_path, kafka, port.number)
        yield made
        assert made.close() == 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def sink(kafka: dict[str, str], receiver: Receiver, empty_log: str, tmp_path: Path) -> Iterator[Process]:
    settings = {
        "incident_log": {"dsn": empty_log},
        "inbound": {"slack_app_token": "xapp-1-local"},
        "slack": {"token": "xoxb-1", "channel": "#dba", "api_url": f"{receiver.url}/api"},
        "pagerduty": {"routing_key": "r" * 32, "url": receiver.url},
        "notify": {"update_every_s": 0},
        "kafka": kafka,
    }
    with process(tmp_path, settings) as made:
        made.start()
        yield made


def test_what_is_done_in_the_console_is_seen_everywhere(
    kafka: dict[str, str], console: ConsoleProcess, receiver: Receiver, sink: Process, run: Run
) -> None:
    """An acknowledgement, twice, and a silence of the console; then an acknowledgement of the command line."""
    about, other = blocked(now()), blocked(now(), cluster="billing", title="billing: replay on pg-2 is blocked")
    settings = KafkaSettings(**kafka)
    given = (node("orders", "pg-1"), node("billing", "pg-1"), about, other)
    asyncio.run(write(settings, *(outgoing(each, settings.topic_prefix) for each in given)))

    def sent(vendor: str, *kinds: str) -> list[str]:
        return [json.dumps(each.payload) for each in receiver.events if each.vendor == vendor and each.kind in kinds]

    def seen(ident: str) -> Any:
        return console.asks(f"/incident.json?id={ident}") or {}

    eventually("the page has the incident", lambda: seen(about.incident_id), WITHIN_S)
    eventually("Slack has both", lambda: len(sent("slack", "post")) == 2, WITHIN_S)
    eventually("PagerDuty has both", lambda: len(sent("pagerduty", "trigger")) == 2, WITHIN_S)
    form = {"id": about.incident_id, "generation": "1"}
    first, second = (console.asks("/incident/acknowledge", form) for _ in range(2))
    assert first["action_id"] == second["action_id"]
    assert seen(about.incident_id)["acknowledged"]["by"] == "ada"
    eventually("PagerDuty has it", lambda: about.incident_id in "".join(sent("pagerduty", "acknowledge")), WITHIN_S)
    eventually("Slack has it", lambda: "acknowledged by `ada`" in "".join(sent("slack", "update")), WITHIN_S)
    actions: list[Action] = asyncio.run(values(settings.bootstrap, settings.topic_prefix, "actions"))
    assert {(each.kind, each.by, each.incident_id) for each in actions} == {("acknowledge", "ada", about.incident_id)}

    silence = console.asks("/silences/add", {"cluster": "billing", "for": "30m", "comment": "resize"})
    listed = run("silence", "list", "--format", "json")
    assert json.loads(listed.out)["silence_id"] == silence["silence_id"]
    assert run("silence", "expire", silence["silence_id"]).code == 0
    eventually("the console has its end", lambda: console.asks("/silences.json")["rows"] == [], WITHIN_S)

    assert run("incidents", "ack", other.incident_id, "--by", "bob").code == 0
    eventually("the page has it", lambda: (seen(other.incident_id)["acknowledged"] or {}).get("by") == "bob", WITHIN_S)
    notified = {each["target"]: each["reached"] for each in seen(about.incident_id)["notified"]}
    assert notified == {"slack": "yes", "pagerduty": "yes"}
    asyncio.run(write(settings, Outgoing(f"{settings.topic_prefix}incidents", b"x", b"no JSON", [])))
    eventually("it is a dead letter", lambda: console.asks("/health.json")["dead_letters"]["count"], WITHIN_S)
    (letter,) = console.asks("/health.json")["dead_letters"]["newest"]
    assert (letter["topic"], letter["key"]) == (f"{settings.topic_prefix}incidents", "x")


def test_a_button_in_slack_is_seen_everywhere(
    kafka: dict[str, str],
    console: ConsoleProcess,
    receiver: Receiver,
    sink: Process,
    empty_log: str,
    request: pytest.FixtureRequest,
) -> None:
    """In Slack, PagerDuty, the console, the command line and the incident log, each of which is asked by itself. The
    seconds until each shows it, with the start of the command, are properties of the test: two is what is promised.
    """
    about, settings = blocked(now()), KafkaSettings(**kafka)
    asyncio.run(write(settings, *(outgoing(each, settings.topic_prefix) for each in (node("orders", "pg-1"), about))))

    def sent(kind: str) -> str:
        return "".join(json.dumps(each.payload) for each in receiver.events if each.kind == kind)

    def logged() -> list[tuple[Any, ...]]:
        with psycopg.connect(empty_log) as connection:
            asked = "SELECT who FROM leadline.log WHERE kind = 'acknowledgement' AND incident_id = %s"
            return connection.execute(asked, [about.incident_id]).fetchall()

    def listed() -> bool:
        words = [sys.executable, "-m", "leadline_cli", "incidents", "show", about.incident_id]
        return "grace acknowledged" in subprocess.run(words, capture_output=True, text=True).stdout

    def in_console() -> bool:
        page = console.asks(f"/incident.json?id={about.incident_id}") or {}
        return (page.get("acknowledged") or {}).get("by") == "grace"

    places: dict[str, Callable[[], object]] = {
        "Slack": lambda: "acknowledged by `grace`" in sent("update"),
        "PagerDuty": lambda: about.incident_id in sent("acknowledge"),
        "console": in_console,
        "command line": listed,
        "incident log": logged,
    }
    eventually("Slack has its button", lambda: "leadline_acknowledge" in sent("post"), WITHIN_S)
    eventually("PagerDuty has it", lambda: about.incident_id in sent("trigger"), WITHIN_S)
    eventually("the page has it", lambda: console.asks(f"/incident.json?id={about.incident_id}"), WITHIN_S)
    eventually("it comes in", lambda: "buttons in Slack work" in sink.err, WITHIN_S)
    assert not any(shows() for shows in places.values())
    with ThreadPoolExecutor() as at_once:
        began = time.monotonic()
        presses = [at_once.submit(receiver.press, "Acknowledge", ("U02GRACE", "grace")) for _ in range(2)]

        def took_s(what: str, shows: Callable[[], object]) -> float:
            eventually(f"{what} shows it", shows, WITHIN_S)
            return time.monotonic() - began

        waiting = {what: at_once.submit(took_s, what, shows) for what, shows in places.items()}
        for what, each in waiting.items():
            request.node.user_properties.append((f"acknowledgement in {what}, s", round(each.result(), 2)))
        assert [each.result() for each in presses] == ["acknowledged", "acknowledged"]
    actions: list[Action] = asyncio.run(values(settings.bootstrap, settings.topic_prefix, "actions"))
    assert [(each.kind, each.by, each.incident_id) for each in actions] == [("acknowledge", "grace", about.incident_id)]
    assert logged() == [("grace",)]
