"""Whatever is on the topics, a sink process notifies its targets of the next incident of another cluster."""

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline import wire
from leadline.clock import ManualClock
from leadline.errors import BadRecord
from leadline.model.delivery import Delivery
from leadline.model.ids import NodeName
from leadline.model.incident import Affected, Incident
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.email_target import EmailSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings, PagerDutySettings, SlackSettings, WebhookSettings
from leadline.settings.teams_target import TeamsSettings
from leadline.wire import Outgoing, outgoing
from leadline_sinks.alertmanager.sink import AlertmanagerSink
from leadline_sinks.console import ConsoleSink
from leadline_sinks.email.sink import EmailSink
from leadline_sinks.email.smtp import Accepted
from leadline_sinks.http import Http
from leadline_sinks.incident_log.rows import incident_columns, row
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.context_consumer import ContextConsumer
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.incident_consumer import IncidentConsumer
from leadline_sinks.notify.lease import Lease
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.notify.sink import Sink, TopicRecord
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.parquet.table_rows import RawRecord, table_of
from leadline_sinks.slack.sink import SlackSink
from leadline_sinks.teams.sink import TeamsSink
from leadline_sinks.webhook import WebhookSink
from tests.fixtures.wire_extremes import WireExtremes
from tests.unit.properties import histories, length
from tests.unit.sinks import made

NAMES = ("slack", "pagerduty", "webhook", "teams", "alertmanager", "email", "console")
READ = (wire.INCIDENTS, wire.SILENCES, wire.ACTIONS, wire.DELIVERIES)
LOGGED = (wire.ALERTS, wire.INCIDENTS, wire.ACTIONS, wire.DELIVERIES, wire.CHANGES, wire.AUDITS)
URL = Secret("https://chat.example.com/x")
SETTINGS = SinkSettings(
    console=ConsoleSettings(enabled=True),
    slack=SlackSettings(token=Secret("xoxb-1"), channel="C1"),
    pagerduty=PagerDutySettings(routing_key=Secret("k" * 32)),
    webhook=WebhookSettings(url=URL, signing_key=Secret("s" * 32)),
    teams=TeamsSettings(url=Secret("https://teams.example.com/x")),
    alertmanager=AlertmanagerSettings(urls=["http://am.example/"]),
    email=EmailSettings(host="mail.example.com", sender="leadline@example.com", to=["ops@example.com"]),
)


class Record:
    """A record of aiokafka."""

    def __init__(self, topic: str, value: bytes | None, offset: int, key: bytes | None = b"k") -> None:
        self.topic, self.value, self.offset, self.key = topic, value, offset, key
        self.partition, self.headers = 0, ()


class Mailed:
    """Takes every message."""

    async def send(self, sender: str, to: Any, message: bytes) -> Accepted:
        return Accepted("250 2.0.0 queued")


def sinks(clock: ManualClock) -> dict[str, Sink]:
    """One of each kind, whose vendor accepts whatever it is sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.host:
            case "events.pagerduty.com":
                return httpx.Response(202, json={"status": "success", "dedup_key": "k"})
            case "am.example":
                return httpx.Response(200)
            case "teams.example.com":
                return httpx.Response(202)
        return httpx.Response(200, json={"ok": True, "ts": "1.1", "channel": "C1"})

    http = Http(clock, httpx.MockTransport(answer))
    notify = SETTINGS.notify
    return {
        "slack": SlackSink(SETTINGS.slack, notify, http, clock),
        "pagerduty": PagerDutySink(SETTINGS.pagerduty, notify, http, clock),
        "webhook": WebhookSink(SETTINGS.webhook, notify, http, clock),
        "teams": TeamsSink(SETTINGS.teams, notify, http, clock),
        "alertmanager": AlertmanagerSink(SETTINGS.alertmanager, notify, http, clock),
        "email": EmailSink(SETTINGS.email, notify, Mailed(), clock),  # type: ignore[arg-type]
        "console": ConsoleSink(notify, clock),
    }


class Process:
    """A sink process without Kafka: its consumers are handed records, and what it writes is kept."""

    def __init__(self) -> None:
        self.clock, self.written, self.letters = ManualClock(made.START), list[Any](), list[Outgoing]()
        self.context = NotificationContext(NAMES, datacenter_clusters=3)
        letters = DeadLetters("", self, self.clock)  # type: ignore[arg-type]
        self.reader = ContextConsumer(SETTINGS.kafka, self.context, lambda: None, self.clock, letters)
        self.notifiers = {
            name: Notifier(name, sink, SETTINGS, self.context, self.write, self.clock, lambda: 0.5)
            for name, sink in sinks(self.clock).items()
        }
        self.consumers = [
            IncidentConsumer(name, SETTINGS, notifier, self.reader, letters, Lease(self.clock), self.clock)
            for name, notifier in self.notifiers.items()
        ]

    async def put(self, letter: Outgoing) -> int:
        self.letters.append(letter)
        return len(self.letters)

    async def write(self, value: Delivery | Incident, home: int | None = None) -> int:
        outgoing(value, "")
        self.written.append(value)
        return len(self.written)

    async def read(self, topic: str, value: bytes) -> None:
        record = Record(topic, value, len(self.letters) + len(self.written) + 1)
        await self.reader._take(record)
        if topic == wire.INCIDENTS.name:
            for consumer in self.consumers:
                await consumer._take(_Partition(), [record])

    async def go_on(self, steps: int) -> None:
        """Write the process's own records, and notify."""
        for _ in range(steps):
            for record in (
                *self.context.lost_datacenters(self.clock.now()),
                *self.context.announcements.due(self.clock.now()),
            ):
                await self.write(record)
            for notifier in self.notifiers.values():
                await notifier.step()
            self.clock.advance(5.0)

    def reached(self, ident: str) -> set[str]:
        """The targets that were sent an incident."""
        return {
            each.target
            for each in self.written
            if isinstance(each, Delivery) and each.incident_id == ident and each.outcome == "sent"
        }


class _Partition:
    partition = 0
    topic = wire.INCIDENTS.name


async def played(seed: int, records: int) -> None:
    """Extreme records, then an incident of a healthy cluster."""
    extremes, process = WireExtremes(seed), Process()
    chance = extremes.chance
    for _ in range(records):
        codec = chance.choice(READ)
        fields: dict[str, Any] = {}
        if codec is wire.INCIDENTS and chance.random() < 0.6:
            fields = chance.choice(
                (
                    {"rules": ["datacenter_lost"], "datacenters": ["a"]},
                    {"silent_datacenters": ["a"], "state": "open"},
                    {"cluster": "leadline", "rules": ["target_failing"]},
                )
            )
        if codec is not wire.SILENCES and chance.random() < 0.8:
            fields["incident_id"] = chance.choice(("i1", "i2", "i3"))
        if codec is wire.SILENCES and chance.random() < 0.8:
            fields |= {"silence_id": chance.choice(("s1", "s2")), "matchers": {"cluster": "crm*"}}
        await process.read(codec.name, extremes.record(codec, **fields))
        if chance.random() < 0.2:
            await process.go_on(1)
    healthy = made.incident(1, cluster="healthy", opened_at=process.clock.now())
    await process.read(wire.INCIDENTS.name, wire.encode(healthy))
    for _ in range(40):
        await process.go_on(6)
        if process.reached(healthy.incident_id) == set(NAMES):
            return
    pytest.fail(f"not sent to {sorted(set(NAMES) - process.reached(healthy.incident_id))}")


@histories()
@given(seed=st.integers(0, 2**32))
@example(seed=10329)
def test_whatever_is_read_the_next_incident_is_sent(seed: int) -> None:
    """By every kind of sink; what cannot be handled is left out or in the dead letters."""
    asyncio.run(played(seed, length(8, 40)))


@histories()
@given(seed=st.integers(0, 2**32))
def test_whatever_is_read_becomes_a_row(seed: int) -> None:
    """Of the incident log, and of a Parquet file."""
    extremes = WireExtremes(seed)
    for codec in wire.CODECS.values():
        data = extremes.record(codec) if codec is not wire.OBSERVATIONS else b"{"
        assert table_of(codec.name, 0, [RawRecord(0, 0, b"k", data)]).num_rows == 1
        if codec in LOGGED:
            try:
                value = codec.decode(data)
            except BadRecord:
                continue
            row(TopicRecord(codec.name, "e", 0, 0, value))
            if isinstance(value, Incident):
                incident_columns(value)


async def read(topic: str, value: Any, **changes: Any) -> Process:
    """A process that has read one record, and gone on for a while."""
    process = Process()
    await process.read(topic, json.dumps(json.loads(wire.encode(value)) | changes).encode())
    await process.go_on(4)
    return process


async def test_an_announcement_of_no_silence_is_refused() -> None:
    """One record of it ended every sink process that read it, and again after each start.

    One bad record that is read again and again stops all others: IBMStreams/streamsx.kafka issue 65,
    vert-x3/vertx-kafka-client issue 220.
    """
    process = await read("incidents", made.incident(1, class_="notice"), announcement={"silences": [], "held": []})
    assert [letter.topic for letter in process.letters] == ["deadletters"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z"])
async def test_a_lost_datacenter_at_the_edge_of_time_is_announced(at: str) -> None:
    """Its clusters' records can be read, so they hold."""
    process = Process()
    for number in range(3):
        part = made.incident(1, cluster=f"shop-{number}", silent_datacenters=["fra1"], silenced_by=None)
        changed = json.loads(wire.encode(part)) | {"opened_at": at, "detected_at": at}
        await process.read("incidents", json.dumps(changed).encode())
    await process.go_on(4)
    assert [each.rules for each in process.written if isinstance(each, Incident)] == [["datacenter_lost"]]


async def test_a_datacenter_without_a_timeline_grows() -> None:
    """As another version, or another program, may write it."""
    process = Process()
    lost = made.incident(1, cluster="fra1", datacenters=["fra1"], rules=["datacenter_lost"], timeline=[])
    await process.read("incidents", wire.encode(lost))
    for number in range(3):
        part = made.incident(1, cluster=f"shop-{number}", silent_datacenters=["fra1"])
        part = replace(part, affected=Affected(nodes=[NodeName("pg-1")]))
        await process.read("incidents", wire.encode(part))
    process.clock.advance(60)
    await process.go_on(2)
    grown = [each for each in process.written if isinstance(each, Incident)]
    assert [len(each.affected.nodes) for each in grown] == [3]


async def test_a_defect_about_one_record_puts_it_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the defect is: the record is in the dead letters, and the next incident is sent."""
    take = NotificationContext.add_incident

    def broken(context: NotificationContext, incident: Incident, now: datetime) -> None:
        if incident.cluster == "bad":
            raise IndexError("list index out of range")
        take(context, incident, now)

    monkeypatch.setattr(NotificationContext, "add_incident", broken)
    process = await read("incidents", made.incident(1, cluster="bad"))
    assert len(process.letters) == 1
    healthy = made.incident(1, cluster="orders", opened_at=process.clock.now())
    await process.read("incidents", wire.encode(healthy))
    await process.go_on(6)
    assert process.reached(healthy.incident_id) == set(NAMES)
