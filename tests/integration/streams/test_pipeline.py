"""The stream worker as a process over a broker: samples in, judgements out, whatever happens to it meanwhile."""

import asyncio
import signal
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.deadletters import MAX_KEPT_BYTES
from leadline.errors import ExitCode
from leadline.settings.stream import DeadLetterSettings
from leadline.wire import ALERTS, INCIDENTS, LAG, MAX_OBSERVATION_BYTES, Codec, encode
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_streams.runtime.snapshot import Saved
from leadline_streams.runtime.worker import RECOVERY_S
from tests.fixtures.brokers import Broker
from tests.integration.streams.kit import (
    CLOCK,
    Agents,
    Topics,
    Worker,
    at_work,
    caught_up,
    differences,
    firing,
    one_fold_says,
    outputs,
    producing,
    send,
)
from tests.unit.streams import world
from tests.unit.streams.world import World


@pytest.fixture
def embedded(broker: EmbeddedBroker, prefix: str) -> Topics:
    """On the broker in memory alone: tests/faults does the like to Apache Kafka."""
    return Topics.create(broker, prefix)


@pytest.fixture
def topics(any_broker: Broker, prefix: str) -> Topics:
    return Topics.create(any_broker, prefix)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


async def every(topics: Topics, name: str) -> list[Any]:
    return list(chain.from_iterable((await topics.read(name)).values()))


async def states(topics: Topics) -> list[Any]:
    """Records of the states, without those by which workers take partitions over."""
    return [found for found in await every(topics, "state") if found.key]


async def decoded(topics: Topics, codec: Codec[Any]) -> list[Any]:
    return [codec.decode(found.value) for found in await every(topics, codec.name)]


async def test_a_standby_that_stops_replaying_fires_in_an_open_incident_and_is_rolled_up(
    topics: Topics, log: Path
) -> None:
    settings = topics.settings()
    with Worker(settings, log) as worker:
        async with producing(topics) as producer:
            world.START = CLOCK.now()
            orders, begin = World("orders"), CLOCK.monotonic()
            primary, standby = orders.pair()
            stuck = None
            while (now := CLOCK.monotonic() - begin) < 13:
                orders.lsn += 100_000
                stuck = orders.lsn if stuck is None and now > 2 else stuck
                orders.stream(primary, standby, replayed=stuck)
                for server in (primary, standby):
                    await send(producer, topics, server.sample(now))
                await CLOCK.sleep(0.25)
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    assert "replication_stalled" in {transition.rule for transition in firing(await decoded(topics, ALERTS))}
    incidents = await decoded(topics, INCIDENTS)
    assert incidents[-1].state == "open"
    assert incidents[-1].causes
    assert {rollup.link for rollup in await decoded(topics, LAG)} == {"orders/pg-1->pg-2"}


async def test_after_sigterm_nothing_is_judged_again(topics: Topics, log: Path) -> None:
    """States are put away and offsets committed, in seconds."""
    settings = topics.settings(flush_s=3600.0)
    with Worker(settings, log) as worker:
        await at_work(topics, worker)
        async with producing(topics) as producer:
            await Agents(topics, Random(1)).write(producer, 2)
        begin = CLOCK.monotonic()
        assert await worker.stop() == ExitCode.OK
        assert CLOCK.monotonic() - begin < 10
    committed = {number: offset for number, (offset, _) in (await topics.committed(settings)).items()}
    saved = [Saved.unpack(found.value) for found in await states(topics)]
    assert len(saved) == 8
    for number in {state.partition for state in saved}:
        assert max(state.applied for state in saved if state.partition == number) == committed[number]


async def test_bad_records_are_set_aside_with_their_reason_and_delay_nobody(topics: Topics, log: Path) -> None:
    """Garbage, cut short, oversized, wrongly typed, from the future, under the wrong key, or nothing at all."""
    settings = topics.settings()
    world.START = CLOCK.now()
    sample = encode(World("orders").add("pg-1", "primary").sample(0.0))
    bad = {
        b"\x00\xff\xfe": b"not_json",
        sample[:-20]: b"not_json",
        b"[" * 100_000: b"not_json",
        b'["an engine","pg-1"]': b"invalid",
        b'{"kind":"sample","pad":"' + b"x" * MAX_OBSERVATION_BYTES + b'"}': b"too_large",
        sample.replace(b'"seq":1', b'"seq":"1"'): b"invalid",
        b"{}": b"invalid",
        b"": b"empty",
    }
    with Worker(settings, log) as worker:
        async with producing(topics, "gzip") as producer:
            for value in bad:
                await producer.send(f"{topics.prefix}samples", value, b"orders", headers=[("x", b"y")])
            await producer.send(f"{topics.prefix}samples", sample, b"billing")
            await producer.send(f"{topics.prefix}samples", None, b"orders")
            await producer.send(f"{topics.prefix}samples", sample, b"orders")
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    letters = await every(topics, "deadletters")
    reasons = {letter.value: dict(letter.headers)["leadline-deadletter-reason"] for letter in letters}
    bad = {value[:MAX_KEPT_BYTES]: reason for value, reason in bad.items()}
    assert reasons == {**bad, sample: b"invalid", None: b"empty"}
    assert {dict(letter.headers).get("x") for letter in letters if letter.value in bad} == {b"y"}
    assert [found.key for found in await states(topics)][:1] == [b"orders"]


async def test_too_many_bad_records_end_the_worker_with_a_word(topics: Topics, log: Path) -> None:
    settings = topics.settings(deadletters=DeadLetterSettings(max_consecutive=20, max_ratio=1.0))
    async with producing(topics) as producer:
        for _ in range(50):
            await producer.send(f"{topics.prefix}samples", b"garbage", b"orders")
    with Worker(settings, log) as worker:
        code, words = await worker.ended()
    assert code == ExitCode.PROBLEM
    assert "more than 20 records in a row, of key b'orders', cannot be used" in words
    assert "Traceback" not in words
    assert await every(topics, "deadletters")  # whoever looks for the reason finds them


async def test_killed_again_and_again_it_says_the_same_as_one_fold(embedded: Topics, log: Path) -> None:
    """Same transitions and incidents, each always in the same words; some twice, none missing."""
    settings, random = embedded.settings(), Random(7)
    async with producing(embedded) as producer:
        writing = asyncio.create_task(Agents(embedded, random).write(producer, 20))
        while not writing.done():
            with Worker(settings, log) as worker:
                await CLOCK.sleep(3.5 + 2.5 * random.random())
                worker.signal(signal.SIGKILL)
        await writing
    with Worker(settings, log) as worker:
        await caught_up(embedded, settings)
        assert await worker.stop() == ExitCode.OK
    expected = await one_fold_says(embedded, settings)
    assert len(expected) > 3
    assert not differences(await outputs(embedded), expected)


@pytest.mark.timeout(2 * RECOVERY_S)
async def test_partitions_that_move_between_workers_are_judged_as_by_one(embedded: Topics, log: Path) -> None:
    """Workers join, leave, die, and one is frozen until it has lost its partitions, then wakes and goes on.

    A worker that is left without partitions ends after ``RECOVERY_S`` and is started again.
    """
    settings, random = embedded.settings(), Random(8)
    async with producing(embedded) as producer:
        writing = asyncio.create_task(Agents(embedded, random).write(producer, 20))
        with Worker(settings, log) as first:
            await CLOCK.sleep(4)
            with Worker(settings, log) as second:
                await CLOCK.sleep(4)
                first.signal(signal.SIGSTOP)
                await CLOCK.sleep(5)
                first.signal(signal.SIGCONT)
                await CLOCK.sleep(3)
                assert await second.stop() == ExitCode.OK
            with Worker(settings, log) as third:
                await CLOCK.sleep(3)
                third.signal(signal.SIGKILL)
                await writing
                keeping = asyncio.create_task(first.keep())
                await caught_up(embedded, settings, RECOVERY_S + 60)
                keeping.cancel()
                await asyncio.wait({keeping})
            assert await first.stop() == ExitCode.OK
    expected = await one_fold_says(embedded, settings)
    assert len(expected) > 3
    assert not differences(await outputs(embedded), expected)


async def test_it_rides_out_a_broker_that_is_away_for_a_while(log: Path, prefix: str) -> None:
    """On a busy machine a write may take so long that the worker gives up, and is started again."""
    with EmbeddedBroker() as broker:
        topics = Topics.create(broker, prefix)
        settings = topics.settings()
        with Worker(settings, log) as worker:
            await at_work(topics, worker)  # one that is still joining its group may wait for minutes
            keeping = asyncio.create_task(worker.keep())
            async with producing(topics) as producer:
                await Agents(topics, Random(9)).write(producer, 5)
                broker.down()
                await CLOCK.sleep(4)
                broker.up()
                await Agents(topics, Random(10)).write(producer, 3)
            await caught_up(topics, settings)
            keeping.cancel()
            await asyncio.wait({keeping})
            assert await worker.stop() == ExitCode.OK
        assert not differences(await outputs(topics), await one_fold_says(topics, settings))


async def test_states_in_other_partitions_than_their_samples_are_refused(
    any_broker: Broker, prefix: str, log: Path
) -> None:
    """Their workers could not find them."""
    topics = Topics(any_broker.bootstrap, prefix)
    any_broker.create_topic(prefix + "samples", 4)
    any_broker.create_topic(prefix + "state", 3)
    with Worker(topics.settings(), log) as worker:
        code, words = await worker.ended()
    assert code == ExitCode.USAGE
    assert f"{prefix}samples has 4 partitions; {prefix}state has 3 partitions: they must have as many" in words
    assert "Traceback" not in words


async def test_without_a_broker_it_ends_at_once_with_a_word(log: Path) -> None:
    with Worker(Topics("127.0.0.1:1", "none.").settings(), log) as worker:
        code, words = await worker.ended()
    assert code == ExitCode.UNREACHABLE
    assert "Kafka at 127.0.0.1:1 does not answer" in words
    assert "Traceback" not in words
