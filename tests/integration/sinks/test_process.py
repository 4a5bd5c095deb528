"""`leadline sink` as a process: its notifications and records, whatever happens to it."""

import asyncio
from collections import Counter
from datetime import timedelta
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from aiokafka import AIOKafkaProducer

from leadline.model.silence import Silence
from leadline.wire import Outgoing, outgoing
from leadline_lab.sandbox.postgres import Server
from tests.fixtures import unreadable
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import CLOCK, Hook, everything, hook, process, sharers, until, values, writing
from tests.require import need
from tests.unit.sinks import made

KEY = "not much of a secret"
PARTITIONS = 3
"""Few, so that incidents share partitions."""


@pytest.fixture
def embedded(broker: Broker, prefix: str) -> Broker:
    """The broker in memory, with topics."""
    create_topics(broker, prefix, PARTITIONS)
    return broker


@pytest.fixture
def kafka(apache_kafka: Broker, prefix: str) -> Broker:
    """Apache Kafka, with topics."""
    create_topics(apache_kafka, prefix, PARTITIONS)
    return apache_kafka


@pytest.fixture
def any_kafka(any_broker: Broker, prefix: str) -> Broker:
    """Each broker, with topics."""
    create_topics(any_broker, prefix, PARTITIONS)
    return any_broker


def settings(broker: Broker, prefix: str, to: Hook, **changes: Any) -> dict[str, Any]:
    return {
        "webhook": {"url": to.url, "signing_key": KEY},
        "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
        "notify": {"update_every_s": 0, "announce_silences": "never"},
        **changes,
    }


async def test_a_lifecycle(any_kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Each occasion is sent once to two targets; SIGTERM ends the process cleanly."""
    with hook() as to, process(tmp_path, settings(any_kafka, prefix, to, console={"enabled": True})) as sink:
        sink.start()
        async with writing(any_kafka.bootstrap, prefix) as put:
            about = made.incident(1, opened_at=CLOCK.now(), severity="warning")
            await put(about)
            await until("the first notification", lambda: len(to.got) == 1, sink)
            await put(made.action(incident_id=about.incident_id))
            await until("the acknowledgement", lambda: len(to.got) == 2, sink)
            await put(msgspec.structs.replace(about, seq=2, severity="critical"))
            await until("the escalation", lambda: len(to.got) == 3, sink)
            await put(msgspec.structs.replace(about, seq=3, state="resolved", resolved_at=CLOCK.now()))
            await until("the end", lambda: len(to.got) == 4 and "resolved" in sink.out, sink)
        assert sink.end() == 0
        occasions = [("orders", "opened", 1), ("orders", "acknowledged", 1), ("orders", "escalated", 2)]
        assert to.received() == [*occasions, ("orders", "resolved", 3)]
        assert [each["data"]["incident"]["acknowledged_by"] for each in to.got] == [None, "ada", "ada", "ada"]
        assert sink.out.count("INCIDENT open") == 3 - 1
        assert KEY not in sink.err
    last = {each.target: each for each in await values(any_kafka.bootstrap, prefix, "deliveries")}
    assert {name: (each.outcome, each.state, each.seq) for name, each in last.items()} == {
        "console": ("sent", "resolved", 3),
        "webhook": ("sent", "resolved", 3),
    }


async def test_it_continues_after_a_kill(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """Nothing is repeated and nothing is lost: open incidents, silenced ones, and records written in between."""
    with hook() as to, process(tmp_path, settings(embedded, prefix, to), sink_main.__name__) as sink:
        async with writing(embedded.bootstrap, prefix) as put:
            now = CLOCK.now()
            sent, ended, quiet = (made.incident(1, cluster=name, opened_at=now) for name in ("sent", "ended", "quiet"))
            silence = Silence(
                silence_id="s",
                matchers={"cluster": "quiet"},
                starts_at=now,
                ends_at=now + timedelta(days=1),
                created_by="ada",
            )
            await put(silence, sent, ended, quiet)
            sink.start()
            await until("the first notifications", lambda: len(to.got) == 2, sink)
            await asyncio.sleep(1.5)  # until it has committed
            sink.kill()
            later = made.incident(1, cluster="later", opened_at=now)
            over = made.incident(1, cluster="over", opened_at=now)
            await put(
                msgspec.structs.replace(ended, seq=2, state="resolved", resolved_at=CLOCK.now()),
                *(msgspec.structs.replace(sent, seq=seq) for seq in (2, 3)),
                later,
                over,
                msgspec.structs.replace(over, seq=2, state="resolved", resolved_at=CLOCK.now()),
            )
            before = len(to.got)
            sink.start()
            await until("the records written in between", lambda: len(to.got) == before + 3, sink)
            await put(msgspec.structs.replace(silence, ends_at=CLOCK.now()))
            await until("the silenced incident", lambda: len(to.got) == before + 4, sink)
            assert sink.end() == 0
    assert sorted(to.received()[:before]) == [("ended", "opened", 1), ("sent", "opened", 1)]
    assert sorted(to.received()[before : before + 3]) == [
        ("ended", "resolved", 2),
        ("later", "opened", 1),
        ("sent", "updated", 3),
    ]
    assert to.received()[before + 3 :] == [("quiet", "opened", 1)]


async def test_a_failing_target(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """One line in the process log, an incident for the other target, and its end at the next success."""
    with hook() as to, hook() as other:
        other.status = 403
        to_other = {"other": {"webhook": {"url": other.url, "signing_key": KEY}}}
        with process(tmp_path, settings(embedded, prefix, to, targets=to_other), sink_main.__name__) as sink:
            sink.start()
            async with writing(embedded.bootstrap, prefix) as put:
                await put(made.incident(1, opened_at=CLOCK.now()))
                await until("both notifications", lambda: len(to.got) == 2, sink)
                other.status = 200
                await until("it works again", lambda: other.got, sink)
                await until("the end of the failure", lambda: len(to.got) == 3, sink)
            assert sink.end() == 0
            lines = [line for line in sink.err.splitlines() if "level=error" in line]
        assert len(lines) == 1
        assert "notifications to other are failing" in lines[0]
    assert sorted(to.received()) == [("leadline", "opened", 1), ("leadline", "resolved", 2), ("orders", "opened", 1)]
    assert other.received() == [("orders", "opened", 1)]
    self_incident = next(
        each["data"]["incident"] for each in to.got if each["data"]["incident"]["cluster"] == "leadline"
    )
    assert (self_incident["labels"], self_incident["rules"], self_incident["causes"][0]["code"]) == (
        {"target": "other"},
        ["sink_failing"],
        "sink_cannot_deliver",
    )


async def test_hostile_and_bad_records(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """Hostile names are sent, bad records skipped, and records of a replay ignored; the process keeps running."""
    names = [name[:200] for name in made.HOSTILE if name]  # as long as names may be
    with hook() as to, process(tmp_path, settings(embedded, prefix, to, console={"enabled": True})) as sink:
        sink.start("webhook", "console")
        async with writing(embedded.bootstrap, prefix) as put:
            replayed = outgoing(made.incident(cluster="replayed"), prefix)
            await put(
                *(
                    Outgoing(prefix + name, b"key", value, [])
                    for name in ("incidents", "actions", "silences", "deliveries")
                    for value in (b"{", b"\xff\xfe", b'{"incident_id": 1}', None)
                ),
                Outgoing(prefix + "incidents", b"\xff", replayed.value, [("leadline-replay", b"1")]),
                *(made.hostile(name) for name in names),
                made.incident(1, cluster="long", title="n" * 10_240, opened_at=CLOCK.now()),
                made.incident(1, cluster="last", opened_at=CLOCK.now()),
            )
            await until("all of them", lambda: len(to.got) == len(names) + 2, sink, 60.0)
            await until("the last", lambda: "last  INCIDENT" in sink.out, sink)
        assert sink.end() == 0
        assert "replayed" not in sink.out
        assert sink.out.replace("\n", "").isprintable()
        assert sink.err.replace("\n", "").isprintable()
        # Three of four are bad in each topic; two targets read the incidents.
        assert sink.err.count("goes to the dead letters") == 3 * 4


async def test_the_incident_log_gets_every_record(embedded: Broker, prefix: str) -> None:
    """Every record of the four topics is written in the end; rejected ones go to the dead letters."""
    from leadline.settings.common import KafkaSettings
    from leadline.settings.sink import SinkSettings
    from leadline_sinks.incident_log.log_consumer import LogConsumer
    from leadline_sinks.notify.dead_letters import DeadLetters
    from leadline_sinks.notify.kafka_writer import KafkaWriter
    from leadline_sinks.notify.sink import GiveUp, Outcome, Reason, Retry, Sent, TopicRecord

    class Log:
        kind = "fake"
        at_risk = ()

        def __init__(self) -> None:
            self.away = 2
            self.records: dict[str, TopicRecord] = {}

        async def write(self, records: Any) -> Outcome:
            if self.away:
                self.away -= 1
                return Retry(Reason.UNAUTHORIZED, "no")
            if any(record.topic == "actions" and record.value.by == "eve" for record in records):
                return GiveUp(Reason.REJECTED, "not from her")
            self.records |= {record.event_id: record for record in records}
            return Sent()

        async def close(self) -> None:
            raise AssertionError("the caller closes the incident log")

    given = SinkSettings(kafka=KafkaSettings(bootstrap=embedded.bootstrap, topic_prefix=prefix))
    log, kafka_writer = Log(), KafkaWriter(given.kafka, CLOCK)
    put_aside = DeadLetters(prefix, kafka_writer, CLOCK)
    async with writing(embedded.bootstrap, prefix) as put:
        await put(*(made.incident(seq) for seq in range(1, 8)), made.action(), made.action("note", 2, by="eve"))
        await put(Outgoing(prefix + "alerts", b"key", b"{", []))
        work = asyncio.create_task(LogConsumer(given, log, kafka_writer, put_aside, CLOCK, lambda: 0.1).run())
        try:
            async with asyncio.timeout(60):
                while len(log.records) < 8 + 2 or len(await everything(embedded.bootstrap, prefix, "deadletters")) < 2:
                    assert not work.done()
                    await asyncio.sleep(0.2)
        finally:
            work.cancel()
            await asyncio.wait({work})
            await kafka_writer.close()
    written = [(each.value.cluster, each.value.seq) for each in log.records.values() if each.topic == "incidents"]
    assert sorted(written) == [("leadline", 1), ("leadline", 2), *(("orders", seq) for seq in range(1, 8))]
    letters = await everything(embedded.bootstrap, prefix, "deadletters")
    reasons = {dict(letter.headers)["leadline-deadletter-reason"] for letter in letters}
    assert reasons == {b"not_json", b"unprocessable"}
    assert {dict(letter.headers)["leadline-deadletter-topic"].decode() for letter in letters} == {
        prefix + "alerts",
        prefix + "actions",
    }


async def test_an_outage_of_kafka(prefix: str, tmp_path: Path) -> None:
    """Each client reports the outage once and reconnects; nothing is sent twice, nothing is lost.

    What had to be tried again is not sent while Kafka cannot say whether another process has the incident by now.
    """
    need(find_spec("confluent_kafka") is not None, "a broker: pip install 'leadline[demo]'")
    from leadline_lab.sandbox.broker import EmbeddedBroker

    with EmbeddedBroker() as broker, hook() as to:
        create_topics(broker, prefix, PARTITIONS)
        with process(tmp_path, settings(broker, prefix, to)) as sink:
            sink.start()
            now = CLOCK.now()
            async with writing(broker.bootstrap, prefix) as put:
                first = made.incident(1, opened_at=now)
                await put(first)
                await until("the first notification", lambda: len(to.got) == 1, sink)
                to.status = 503
                await put(made.incident(1, cluster="second", opened_at=now))
                await until("the second fails", lambda: to.refused, sink)
                broker.down()
                await until("no more requests", lambda: "nothing is sent: Kafka does not say" in sink.err, sink, 60.0)
                to.status = 200
                await asyncio.sleep(5)
                assert len(to.got) == 1
                broker.up()
                await until("the second", lambda: len(to.got) == 2, sink, 60.0)
                await put(msgspec.structs.replace(first, seq=2, state="resolved", resolved_at=now))
                await until("the end", lambda: len(to.got) == 3, sink, 60.0)
            assert sink.end() == 0
            lines = sink.err.splitlines()
    assert to.received() == [("orders", "opened", 1), ("second", "opened", 1), ("orders", "resolved", 2)]
    assert len(lines) < 10, lines


async def test_two_processes_share_a_target(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Whichever process joins, leaves or is killed, every incident is sent once and in order."""
    with hook() as to:
        given = settings(kafka, prefix, to)
        folders = [tmp_path / name for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
        with process(folders[0], given, sink_main.__name__) as a, process(folders[1], given, sink_main.__name__) as b:
            a.start()
            async with writing(kafka.bootstrap, prefix) as put:
                now = CLOCK.now()
                about = [made.incident(1, cluster=f"c{number}", opened_at=now) for number in range(12)]
                await put(*about[:6])
                await until("the first half", lambda: len(to.got) == 6, a)
                b.start()
                await until("they share", lambda: sharers(kafka.bootstrap, prefix) == 2, b)
                await put(*about[6:])
                await until("the second half", lambda: len(to.got) == 12, b)
                await asyncio.sleep(1.5)  # until the last delivery is recorded
                a.kill()
                await put(*(msgspec.structs.replace(each, seq=2, severity="warning") for each in about))
                await until("updates of all", lambda: len(to.got) == 24, b)
                a.start()
                await until("they share again", lambda: sharers(kafka.bootstrap, prefix) == 2, a)
                assert b.end() == 0
                await put(*(msgspec.structs.replace(each, seq=3, state="resolved", resolved_at=now) for each in about))
                await until("the end of all", lambda: len(to.got) == 36, a)
            assert a.end() == 0
    for incident in about:
        mine = [(occasion, seq) for cluster, occasion, seq in to.received() if cluster == incident.cluster]
        assert mine == [("opened", 1), ("updated", 2), ("resolved", 3)]


async def test_an_outage_of_the_incident_log(
    embedded: Broker, prefix: str, tmp_path: Path, log_server: Server, database: str
) -> None:
    """Targets are notified meanwhile, and everything is in the incident log afterwards."""
    dsn = log_server.dsn(database)
    with hook() as to, process(tmp_path, settings(embedded, prefix, to, incident_log={"dsn": dsn})) as sink:
        sink.start()
        async with writing(embedded.bootstrap, prefix) as put:
            now = CLOCK.now()
            await put(made.incident(1, cluster="before", opened_at=now))
            query = "SELECT count(*) FROM leadline.incident"
            await until("the first notification", lambda: len(to.got) == 1, sink)
            await until("its record", lambda: in_log(log_server, database, query) == 1, sink)
            log_server.stop()
            try:
                await put(made.incident(1, cluster="meanwhile", opened_at=now))
                await until("the notification in between", lambda: len(to.got) == 2, sink)
                await asyncio.sleep(3)
            finally:
                log_server.start()
            await until("the second record", lambda: in_log(log_server, database, query) == 2, sink, 60.0)
            sent = "SELECT count(*) FROM leadline.log WHERE kind = 'notification' AND outcome = 'sent'"
            await until("the deliveries", lambda: in_log(log_server, database, sent) == 2, sink)
        assert sink.end() == 0
    heads = {each.incident_id: each.log_head for each in await values(embedded.bootstrap, prefix, "deliveries")}
    (last,) = [head for ident, head in heads.items() if "meanwhile" in ident]
    found = f"SELECT count(*) FROM leadline.log WHERE number || ':' || encode(hash, 'hex') = '{last}'"
    assert in_log(log_server, database, found) == 1, "a delivery carries the head of its time to Kafka"


def in_log(server: Server, database: str, query: str) -> int:
    """A number from the incident log; 0 while its schema is missing."""
    try:
        with psycopg.connect(server.dsn(database)) as connection:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])
    except psycopg.errors.UndefinedTable:
        return 0


async def test_batches_that_the_client_cannot_read_stop_no_sink(any_kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """A header that is no text, an incident, a silence, an action and a delivery that are none: people are notified of
    what is beside them, also after a restart, and the dead letters have each place once, for all targets.

    https://github.com/aio-libs/aiokafka/issues/321, https://github.com/napalm-automation/napalm-logs/pull/390
    """
    bootstrap, names = any_kafka.bootstrap, ("incidents", "silences", "actions", "deliveries")
    with hook() as to, hook() as other:
        second = {"other": {"webhook": {"url": other.url, "signing_key": KEY}}}
        with process(tmp_path, settings(any_kafka, prefix, to, targets=second), sink_main.__name__) as sink:
            producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
            await producer.start()
            for topic, partition in product(names, range(PARTITIONS)):
                await unreadable.header(producer, prefix + topic, partition)
                await producer.send_and_wait(prefix + topic, b"{", b"\xff", partition)
            await producer.stop()
            async with writing(bootstrap, prefix) as put:
                first = [made.incident(1, cluster=f"c{number}", opened_at=CLOCK.now()) for number in range(6)]
                await put(*first)
                sink.start()
                await until("all", lambda: len(to.got) == len(other.got) == len(first), sink)
                assert sink.end() == 0
                sink.start()
                await put(made.incident(1, cluster="later", opened_at=CLOCK.now()))
                await until("what is after them", lambda: len(to.got) == len(first) + 1, sink)
                assert sink.end() == 0
    letters = [dict(each.headers) for each in await everything(bootstrap, prefix, "deadletters")]
    details = [each["leadline-deadletter-detail"] for each in letters]
    assert sum(b"UnicodeDecodeError" in detail for detail in details) >= PARTITIONS
    places = Counter(
        tuple(each[f"leadline-deadletter-{part}"].decode() for part in ("topic", "partition", "offset"))
        for each in letters
    )
    assert places == {
        (f"{prefix}{name}", str(partition), str(offset)): 1 if name == "incidents" else 2  # at each start
        for name, partition, offset in product(names, range(PARTITIONS), range(2))
    }
    assert all(f"{prefix}{name}[0] offset 0" in sink.err for name in names)


@pytest.mark.parametrize("kind", ["snappy", "lz4", "zstd"])
async def test_what_others_compress_is_read(kafka: Broker, prefix: str, tmp_path: Path, kind: str) -> None:
    """A mirror, or a topic with ``compression.type``, compresses in a way of its own.

    https://github.com/aio-libs/aiokafka/issues/922, https://github.com/ag2ai/faststream/issues/2317
    """
    record = outgoing(made.incident(1, opened_at=CLOCK.now()), prefix)
    unreadable.compressed(kafka.bootstrap, kind, record.topic, record.key or b"", record.value or b"")
    with hook() as to, process(tmp_path, settings(kafka, prefix, to), sink_main.__name__) as sink:
        sink.start()
        await until("the notification", lambda: to.got, sink)
        assert sink.end() == 0
