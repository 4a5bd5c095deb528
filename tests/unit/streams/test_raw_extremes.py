"""Whatever is on the topic of the samples, a worker judges the neighbour of the cluster that it is about.

One record that cannot be used, and is read again and again, stops all others of its topic:
IBMStreams/streamsx.kafka issue 65, vert-x3/vertx-kafka-client issue 220.
"""

import asyncio
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline import wire
from leadline.clock import ManualClock
from leadline.model.observation import Tick
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.transport import Opening
from leadline_streams.runtime.worker import Worker
from tests.fixtures.wire_extremes import WireExtremes
from tests.unit.properties import histories, length
from tests.unit.streams.memory_log import MemoryLog, chunk, forgiving
from tests.unit.streams.world import QUICK, World, at

POLICY = Policy(quiet_s=5.0, rules={"replay_paused": QUICK})


def hostile(extremes: WireExtremes) -> tuple[bytes, bytes | None]:
    """A record of cluster ``bad``, or of nobody, with the key that it has."""
    chance = extremes.chance
    if chance.random() < 0.15:
        return extremes.vitals(), b"bad"
    plain: dict[str, Any] = extremes.of(wire.OBSERVATIONS)
    if chance.random() < 0.9:
        inside = plain["node"] if isinstance(plain.get("node"), dict) else plain
        inside["cluster"] = "bad"
        if inside is not plain:
            inside |= {"name": chance.choice(("pg-1", "pg-2")), "boot": chance.choice("ab"), "engine": "postgresql"}
    if chance.random() < 0.5 and "sent_at" in plain:
        plain["sent_at"] = f"2026-04-10T10:00:{chance.randrange(60):02}Z"
    key = chance.choice((b"bad", b"bad", b"bad", b"bad", b"bad", b"healthy", b"", b"\xff", None))
    return json.dumps(plain).encode(), key


async def begun(log: MemoryLog, clock: ManualClock) -> tuple[Worker, Opening]:
    """A worker that goes on from what was saved."""
    states = {each.key: each.value for each in log.topic("state") if each.key and each.value}
    worker = log.worker = Worker(forgiving(), clock, ClusterFactory(POLICY), log, states)
    await worker.claim()
    worker.assign()
    assert worker._assigning is not None
    await log.settle(worker._assigning)
    (opening,) = worker._partitions
    return worker, opening


async def played(seed: int, seconds: int) -> None:
    """Extreme records between those of a healthy pair whose replay is then paused."""
    extremes, log = WireExtremes(seed), MemoryLog()
    world = World("healthy")
    up, down = world.pair()
    for second in range(seconds):
        world.time += 1.0
        world.lsn += world.rate
        world.stream(up, down, replayed=1 << 24 if second > 5 else None)
        if second > 5:
            down.set(positions=replace(down.fields["positions"], replay_paused=True))
        for server in (up, down):
            log.append(server.sample(world.time))
            for _ in range(extremes.chance.randrange(4)):
                value, key = hostile(extremes)
                log.append(value, key=key)
        log.append(Tick(at=at(world.time + 0.5)))
    clock = ManualClock()
    worker, opening = await begun(log, clock)
    first, end = 0, len(log.samples[0])
    while first < end:
        await log.settle(worker.process(chunk(opening, log.samples[0][first : first + 20])))
        clock.advance(5.0)
        first = min(first + 20, end)
        if extremes.chance.random() < 0.2:  # another worker goes on from what was saved, or from before that
            await log.settle(worker.release())
            worker, opening = await begun(log, clock)
            first = opening.start
    await log.settle(worker.release())
    assert not worker.failed.done()
    assert log.committed == {0: len(log.samples[0])}
    alerts = [wire.ALERTS.decode(each.value) for each in log.topic("alerts")]
    assert any((each.cluster, each.rule, each.to) == ("healthy", "replay_paused", "firing") for each in alerts)
    for record in log.written:
        if record.topic in wire.CODECS and record.value is not None:
            wire.CODECS[record.topic].decode(record.value)


@histories()
@given(seed=st.integers(0, 2**32))
@example(seed=55176655)
def test_whatever_is_read_the_neighbour_is_judged(seed: int) -> None:
    """Its stuck standby alerts, after a change of the worker too, and whatever is written can be read."""
    asyncio.run(played(seed, length(20, 30)))
