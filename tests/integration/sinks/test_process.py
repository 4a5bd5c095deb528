"""`leadline sink` as a process: what people get, whatever happens to it."""

import asyncio
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from leadline.model.silence import Silence
from leadline.wire import Outgoing, outgoing
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import CLOCK, Hook, everything, hook, process, sharers, until, values, writing
from tests.require import need
from tests.unit.sinks import made

KEY = "not much of a secret"
PARTITIONS = 3
"""Few, so that incidents share them."""


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
def each(any_broker: Broker, prefix: str) -> Broker:
    """Each broker, with topics."""
    create_topics(any_broker, prefix, PARTITIONS)
    return any_broker


def settings(broker: Broker, prefix: str, to: Hook, **changes: Any) -> dict[str, Any]:
    return {
        "webhook": {"url": to.url, "signing_key": KEY},
        "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
        "notify": {"update_every_s": 0},
        **changes,
    }


async def test_a_life_is_told(each: Broker, prefix: str, tmp_path: Path) -> None:
    """From the first word to the end, through two targets, each once; ended as systemd would, it leaves cleanly."""
    with hook() as to, process(tmp_path, settings(each, prefix, to, console={"enabled": True})) as sink:
        sink.start()
        async with writing(each.bootstrap, prefix) as put:
            about = made.incident(1, opened_at=CLOCK.now(), severity="warning")
            await put(about)
            await until("the first word", lambda: len(to.got) == 1, sink)
            await put(made.action(incident_id=about.incident_id))
            await until("the acknowledgement", lambda: len(to.got) == 2, sink)
            await put(msgspec.structs.replace(about, seq=2, severity="critical"))
            await until("the escalation", lambda: len(to.got) == 3, sink)
            await put(msgspec.structs.replace(about, seq=3, state="resolved", resolved_at=CLOCK.now()))
            await until("the end", lambda: len(to.got) == 4 and "resolved" in sink.out, sink)
        assert sink.end() == 0
        occasions = [("orders", "opened", 1), ("orders", "acknowledged", 1), ("orders", "escalated", 2)]
        assert to.told() == [*occasions, ("orders", "resolved", 3)]
        assert [it["data"]["incident"]["acknowledged_by"] for it in to.got] == [None, "ada", "ada", "ada"]
        assert sink.out.count("INCIDENT open") == 3 - 1
        assert KEY not in sink.err
    last = {it.target: it for it in await values(each.bootstrap, prefix, "deliveries")}
    assert {name: (it.outcome, it.state, it.seq) for name, it in last.items()} == {
        "console": ("sent", "resolved", 3),
        "webhook": ("sent", "resolved", 3),
    }


async def test_killed_it_picks_up_where_it_was(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """It repeats nothing and forgets nothing: not what is open, not what was silenced, not what came meanwhile."""
    with hook() as to, process(tmp_path, settings(embedded, prefix, to), sink_main.__name__) as sink:
        async with writing(embedded.bootstrap, prefix) as put:
            now = CLOCK.now()
            told, ended, quiet = (made.incident(1, cluster=name, opened_at=now) for name in ("told", "ended", "quiet"))
            silence = Silence(
                silence_id="s",
                matchers={"cluster": "quiet"},
                starts_at=now,
                ends_at=now + timedelta(days=1),
                created_by="ada",
            )
            await put(silence, told, ended, quiet)
            sink.start()
            await until("first words", lambda: len(to.got) == 2, sink)
            await asyncio.sleep(1.5)  # until it has committed what it may
            sink.kill()
            later = made.incident(1, cluster="later", opened_at=now)
            over = made.incident(1, cluster="over", opened_at=now)
            await put(
                msgspec.structs.replace(ended, seq=2, state="resolved", resolved_at=CLOCK.now()),
                *(msgspec.structs.replace(told, seq=seq) for seq in (2, 3)),
                later,
                over,
                msgspec.structs.replace(over, seq=2, state="resolved", resolved_at=CLOCK.now()),
            )
            before = len(to.got)
            sink.start()
            await until("what came meanwhile", lambda: len(to.got) == before + 3, sink)
            await put(msgspec.structs.replace(silence, ends_at=CLOCK.now()))
            await until("what was silenced", lambda: len(to.got) == before + 4, sink)
            assert sink.end() == 0
    assert sorted(to.told()[:before]) == [("ended", "opened", 1), ("told", "opened", 1)]
    assert sorted(to.told()[before : before + 3]) == [
        ("ended", "resolved", 2),
        ("later", "opened", 1),
        ("told", "updated", 3),
    ]
    assert to.told()[before + 3 :] == [("quiet", "opened", 1)]


async def test_a_target_that_refuses_us_is_told_of_through_the_others(
    embedded: Broker, prefix: str, tmp_path: Path
) -> None:
    """One line, an incident through the other target, and its end when it works again; nothing is lost."""
    with hook() as to, hook() as other:
        other.status = 403
        to_other = {"other": {"webhook": {"url": other.url, "signing_key": KEY}}}
        with process(tmp_path, settings(embedded, prefix, to, targets=to_other), sink_main.__name__) as sink:
            sink.start()
            async with writing(embedded.bootstrap, prefix) as put:
                await put(made.incident(1, opened_at=CLOCK.now()))
                await until("both words", lambda: len(to.got) == 2, sink)
                other.status = 200
                await until("it works again", lambda: other.got, sink)
                await until("the end of the trouble", lambda: len(to.got) == 3, sink)
            assert sink.end() == 0
            said = [line for line in sink.err.splitlines() if "level=error" in line]
        assert len(said) == 1
        assert "other cannot be told" in said[0]
    assert sorted(to.told()) == [("leadline", "opened", 1), ("leadline", "resolved", 2), ("orders", "opened", 1)]
    assert other.told() == [("orders", "opened", 1)]
    trouble = next(it["data"]["incident"] for it in to.got if it["data"]["incident"]["cluster"] == "leadline")
    assert (trouble["labels"], trouble["rules"], trouble["causes"][0]["code"]) == (
        {"target": "other"},
        ["sink_failing"],
        "sink_cannot_deliver",
    )


async def test_what_nobody_should_send(embedded: Broker, prefix: str, tmp_path: Path) -> None:
    """Hostile names are told, bad records passed over, records made by replay ignored; it lives."""
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
        # Three of four are bad in each topic; two targets read the incidents, one reader the rest.
        assert sink.err.count("passing over") == 3 * (2 + 3)


async def test_what_people_do_and_hear_is_recorded(embedded: Broker, prefix: str) -> None:
    """The incident log gets every record of four topics once it works, but those it will not have."""
    from leadline.settings.common import KafkaSettings
    from leadline.settings.sink import SinkSettings
    from leadline_sinks.incident_log.log_consumer import LogConsumer
    from leadline_sinks.notify.kafka_writer import KafkaWriter
    from leadline_sinks.notify.sink import GiveUp, Outcome, Reason, Retry, Sent, TopicRecord

    class Log:
        kind = "fake"

        def __init__(self) -> None:
            self.away = 2
            self.entries: dict[str, TopicRecord] = {}

        async def record(self, entries: Any) -> Outcome:
            if self.away:
                self.away -= 1
                return Retry(Reason.UNAUTHORIZED, "no")
            if any(entry.topic == "actions" and entry.value.by == "eve" for entry in entries):
                return GiveUp(Reason.REJECTED, "not from her")
            self.entries |= {entry.event_id: entry for entry in entries}
            return Sent()

        async def close(self) -> None:
            raise AssertionError("whoever made the log closes it")

    given = SinkSettings(kafka=KafkaSettings(bootstrap=embedded.bootstrap, topic_prefix=prefix))
    log, journal = Log(), KafkaWriter(given.kafka, CLOCK)
    async with writing(embedded.bootstrap, prefix) as put:
        await put(*(made.incident(seq) for seq in range(1, 8)), made.action(), made.action("note", 2, by="eve"))
        await put(Outgoing(prefix + "alerts", b"key", b"{", []))
        work = asyncio.create_task(LogConsumer(given, log, journal, CLOCK, lambda: 0.1).run())
        try:
            async with asyncio.timeout(60):
                while len(log.entries) < 8 + 2 or len(await everything(embedded.bootstrap, prefix, "deadletters")) < 2:
                    assert not work.done()
                    await asyncio.sleep(0.2)
        finally:
            work.cancel()
            await asyncio.wait({work})
            await journal.close()
    told = [(entry.value.cluster, entry.value.seq) for entry in log.entries.values() if entry.topic == "incidents"]
    assert sorted(told) == [("leadline", 1), ("leadline", 2), *(("orders", seq) for seq in range(1, 8))]
    letters = await everything(embedded.bootstrap, prefix, "deadletters")
    reasons = {dict(letter.headers)["leadline-deadletter-reason"] for letter in letters}
    assert reasons == {b"not_json", b"unprocessable"}
    assert {dict(letter.headers)["leadline-deadletter-topic"].decode() for letter in letters} == {
        prefix + "alerts",
        prefix + "actions",
    }


async def test_kafka_goes_away_and_comes_back(prefix: str, tmp_path: Path) -> None:
    """It waits, says so once for each of what it does, and goes on: nothing is told twice, nothing is lost."""
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
                await until("the first word", lambda: len(to.got) == 1, sink)
                to.status = 503
                await put(made.incident(1, cluster="second", opened_at=now))
                await until("the second fails", lambda: to.refused, sink)
                broker.down()
                to.status = 200
                await until("the second", lambda: len(to.got) == 2, sink, 60.0)
                await asyncio.sleep(5)
                broker.up()
                await put(msgspec.structs.replace(first, seq=2, state="resolved", resolved_at=now))
                await until("the end", lambda: len(to.got) == 3, sink, 60.0)
            assert sink.end() == 0
            said = sink.err.splitlines()
    assert to.told() == [("orders", "opened", 1), ("second", "opened", 1), ("orders", "resolved", 2)]
    assert len(said) < 10, said


async def test_two_processes_share_a_target(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Whoever joins, leaves or dies: every incident is told by one of them, once and in order."""
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
                await asyncio.sleep(1.5)  # until the last is written down
                a.kill()
                await put(*(msgspec.structs.replace(it, seq=2, severity="warning") for it in about))
                await until("updates of all", lambda: len(to.got) == 24, b)
                a.start()
                await until("they share again", lambda: sharers(kafka.bootstrap, prefix) == 2, a)
                assert b.end() == 0
                await put(*(msgspec.structs.replace(it, seq=3, state="resolved", resolved_at=now) for it in about))
                await until("the end of all", lambda: len(to.got) == 36, a)
            assert a.end() == 0
    for each in about:
        mine = [(occasion, seq) for cluster, occasion, seq in to.told() if cluster == each.cluster]
        assert mine == [("opened", 1), ("updated", 2), ("resolved", 3)]


async def test_people_are_told_while_the_incident_log_is_down(
    embedded: Broker, prefix: str, tmp_path: Path, log_server: Server, database: str
) -> None:
    """The others hear that it cannot be written, and everything is in it when it is back."""
    dsn = log_server.dsn(database)
    with hook() as to, process(tmp_path, settings(embedded, prefix, to, incident_log={"dsn": dsn})) as sink:
        sink.start()
        async with writing(embedded.bootstrap, prefix) as put:
            now = CLOCK.now()
            await put(made.incident(1, cluster="before", opened_at=now))
            query = "SELECT count(*) FROM leadline.incident"
            await until("the first word", lambda: len(to.got) == 1, sink)
            await until("its record", lambda: in_log(log_server, database, query) == 1, sink)
            log_server.stop()
            try:
                await put(made.incident(1, cluster="meanwhile", opened_at=now))
                await until("the word in between", lambda: len(to.got) == 2, sink)
                await asyncio.sleep(3)
            finally:
                log_server.start()
            await until("the second record", lambda: in_log(log_server, database, query) == 2, sink, 60.0)
            told = "SELECT count(*) FROM leadline.log WHERE kind = 'notification' AND outcome = 'sent'"
            await until("what was told", lambda: in_log(log_server, database, told) == 2, sink)
        assert sink.end() == 0


def in_log(server: Server, database: str, query: str) -> int:
    """A number from the log; 0 while there is none."""
    try:
        with psycopg.connect(server.dsn(database)) as connection:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])
    except psycopg.errors.UndefinedTable:
        return 0
