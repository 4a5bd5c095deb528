"""Well-formed nonsense from agents is refused or judged, and every output can be decoded."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline import wire
from leadline.errors import BadRecord
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline_streams.judge.status import Forgotten
from tests.unit.properties import histories
from tests.unit.streams.world import World, at

QUICK = {"for_s": 0.0, "keep_s": 0.0}
NONSENSE = [
    *(
        "",
        "\0",
        "é" * 300,
        "x/y",
        "0/0",
        "FFFFFFFF/FFFFFFFF",
        "a->b:c",
        "lost",
        "Lock/relation",
        "ANY 2 (",
        "-1",
        "nan",
    ),
    *("primary", "logical", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *(0, -1, 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, True, False, None, [], {}, [1], {"a": 1}, {"a": {"b": 1}}),
]
MORE = {
    "positions": ["replay_paused", "apply_delay_s", "startup_wait", "last_replay_at"],
    "upstream": ["message_age_s", "timeline", "status", "host"],
    "downstreams": ["kind", "state", "reply_age_s", "replay_lag_s", "sync_state", "xmin_age"],
    "slots": ["kind", "active", "wal_status", "safe_wal_bytes", "retained_bytes", "inactive_s", "invalidation_reason"],
    "subscriptions": ["enabled", "pid", "apply_errors", "conflicts", "tables", "blocked_by", "transaction_s", "wait"],
    "archiver": ["failed", "archived", "last_failed_s", "ready"],
    "activity": ["sync_waiters", "sync_wait_s", "prepared_transactions"],
    "disk": ["wal_bytes", "free_bytes", "total_bytes"],
}
"""Fields that a healthy pair's samples need not have."""


def places(plain: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and key."""
    for key in list(plain) if isinstance(plain, dict) else range(len(plain)):
        yield plain, key
        if isinstance(plain[key], dict | list):
            yield from places(plain[key])


def spoilt(seen: Sample | NodeSettings, chance: Random) -> Sample | NodeSettings:
    """The observation with nonsense in two places. Raises BadRecord where decoding already refuses it."""
    plain = json.loads(wire.encode(seen))
    if isinstance(seen, Sample):
        group = chance.choice(list(MORE))
        inside = plain.setdefault(group, {})
        for each in inside if isinstance(inside, list) else [inside]:
            each[chance.choice(MORE[group])] = copy.deepcopy(chance.choice(NONSENSE))
    container, key = chance.choice(list(places(plain)))
    container[key] = copy.deepcopy(chance.choice(NONSENSE))
    again = wire.OBSERVATIONS.decode(json.dumps(plain).encode())
    assert not isinstance(again, Tick)
    return again


@histories()
@given(seed=st.integers(0, 2**32))
@example(seed=819)
def test_nonsense_neither_crashes_nor_leaks(seed: int) -> None:
    """Only BadRecord comes out of the fold, and every output can be decoded again."""
    chance = Random(seed)
    world = World(replication_lag=QUICK, replication_stalled=QUICK, replay_paused=QUICK, config_mismatch=QUICK)
    up, down = world.pair()
    subscriber = world.add("pg-3", "primary", system_id="7002")
    for server in (up, down):
        server.settings = {"max_connections": "100", "wal_level": "replica", "synchronous_standby_names": "*"}
    for second in range(40):
        world.time += 1.0
        world.lsn += world.rate
        world.stream(up, down, replayed=world.lsn // (1 + second // 10))
        world.subscribe(up, subscriber)
        for server in world.servers.values():
            seen = (
                server.node_settings(world.time) if second % 5 == 2 and server.settings else server.sample(world.time)
            )
            try:
                world.outputs += world.state.observe(spoilt(seen, chance) if chance.random() < 0.5 else seen)
            except BadRecord as error:
                refused = error.reason
                assert refused in wire.BAD_RECORD_REASONS
        world.outputs += world.state.tick(at(world.time + 0.5))
    for output in world.outputs:
        if isinstance(output, Forgotten):
            continue
        record = wire.outgoing(output, "")
        wire.CODECS[record.topic].decode(record.value)
    assert world.transitions


def test_a_time_after_the_year_3000_is_refused() -> None:
    """Even as the first of a cluster, which no other clock contradicts: the ends of silences could not be written."""
    world = World()
    server = world.add("pg-1", "primary")
    with pytest.raises(BadRecord) as refused:
        world.state.observe(server.sample(datetime(3000, 1, 2, tzinfo=UTC).timestamp()))
    assert refused.value.reason == wire.FUTURE
    assert not world.state.memory.arrivals.sources
