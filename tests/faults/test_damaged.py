"""A batch that is damaged on the disk of its broker: the clients find a wrong checksum each time they fetch it."""

from pathlib import Path

import pytest

from leadline.errors import ExitCode
from leadline.wire import INCIDENTS, encode
from tests.fixtures.kafka import Kafka
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import hook, process, until, writing
from tests.integration.streams.kit import CLOCK, Topics, Worker, caught_up, producing
from tests.unit.sinks import made
from tests.unit.streams import world
from tests.unit.streams.world import World

pytestmark = pytest.mark.timeout(300)


def damage(kafka: Kafka, topic: str, word: bytes) -> None:
    """Change one byte wherever this word is."""
    changed = 0
    for segment in kafka.nodes[0].segments(topic):
        data, place = segment.read_bytes(), -1
        with segment.open("r+b") as file:
            while (place := data.find(word, place + 1)) >= 0:
                file.seek(place)
                file.write(b"?")
                changed += 1
    assert changed


async def details(topics: Topics) -> list[bytes]:
    letters = [each for found in (await topics.read("deadletters")).values() for each in found]
    return [dict(each.headers)["leadline-deadletter-detail"] for each in letters]


async def test_a_sink_passes_over_it(kafka: Kafka, topics: Topics, tmp_path: Path) -> None:
    """Nobody can be notified of what it held; people are notified of all that is behind it. Its place is reported."""
    with hook() as to:
        given = {
            "webhook": {"url": to.url, "signing_key": "k" * 32},
            "kafka": {"bootstrap": topics.bootstrap, "topic_prefix": topics.prefix},
        }
        async with writing(topics.bootstrap, topics.prefix) as put:
            for number in range(20):
                await put(made.incident(1, cluster=f"lost{number}", opened_at=CLOCK.now()))
            damage(kafka, f"{topics.prefix}incidents", b"lost")
            behind = [made.incident(1, cluster=f"c{number}", opened_at=CLOCK.now()) for number in range(20)]
            await put(*behind)
            with process(tmp_path, given, sink_main.__name__) as sink:
                sink.start()
                await until("all", lambda: {f"c{n}" for n in range(20)} <= {c for c, _, _ in to.received()}, sink, 60.0)
                assert sink.end() == 0
    assert any(b"wrong checksum" in detail for detail in await details(topics))


async def test_a_worker_passes_over_it(kafka: Kafka, topics: Topics, tmp_path: Path) -> None:
    settings, samples = topics.settings(), f"{topics.prefix}samples"
    world.START = CLOCK.now()
    lost, good = (World(name).add("pg-1", "primary") for name in ("orders", "billing"))
    async with producing(topics) as producer:
        for partition in await producer.partitions_for(samples):
            await producer.send_and_wait(samples, encode(lost.sample(0.0)), b"orders", partition=partition)
        damage(kafka, samples, b"orders")
        for second in range(3):
            await producer.send_and_wait(samples, encode(good.sample(float(second))), b"billing")
    with Worker(settings, tmp_path / "worker") as worker:
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    assert any(b"wrong checksum" in detail for detail in await details(topics))
    saved = {each.key for found in (await topics.read("state")).values() for each in found}
    assert b"billing" in saved


async def test_a_worker_passes_over_a_state(kafka: Kafka, topics: Topics, tmp_path: Path) -> None:
    """Its cluster is judged anew, and people are notified of it; the others go on as they were."""
    settings, samples = topics.settings(), f"{topics.prefix}samples"
    world.START = CLOCK.now()
    lost, good = (World(name).add("pg-1", "primary") for name in ("orders", "billing"))
    async with producing(topics) as producer:

        async def put(second: float) -> None:
            for server in (lost, good):
                await producer.send_and_wait(samples, encode(server.sample(second)), server.node.cluster.encode())

        for second in range(3):
            await put(float(second))
        with Worker(settings, tmp_path / "first") as worker:
            await caught_up(topics, settings)
            assert await worker.stop() == ExitCode.OK
        damage(kafka, f"{topics.prefix}state", b"orders")
        with Worker(settings, tmp_path / "second") as worker:
            for second in range(3, 8):
                await put(float(second))
                await CLOCK.sleep(1.0)
            await caught_up(topics, settings)
            assert await worker.stop() == ExitCode.OK
    found = [INCIDENTS.decode(each.value) for records in (await topics.read("incidents")).values() for each in records]
    about = {each.cluster: each.causes[0].code for each in found if each.rules == ["judgement_failing"]}
    assert about["orders"] == "state_unreadable"
    assert any(b"wrong checksum" in detail for detail in await details(topics))
