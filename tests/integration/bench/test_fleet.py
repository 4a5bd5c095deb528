"""What the benchmarks judge is what agents send."""

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg

from bench.fleet import DATABASES, fleet
from leadline.clock import SystemClock
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server

LOOKS = 5
NOW_AND_THEN = (".archiver.ready", ".disk.")
"""Told once a minute."""
OF_A_SESSION = {".activity.oldest.wrote", ".activity.oldest.wait"}
"""Told of one that wrote, or waits."""


def told(value: Any, prefix: str = "") -> Iterator[str]:
    """Where a value says something that is not the default, which a writer may leave out; all rows are one."""
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            inner = getattr(value, field.name)
            if field.required or inner != field.default:
                yield from told(inner, f"{prefix}.{field.name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from told(inner, f"{prefix}.{name}")
    elif isinstance(value, tuple):
        for inner in value:
            yield from told(inner, prefix)
    else:
        yield prefix


async def test_the_fleet_of_the_benchmarks_tells_what_agents_tell() -> None:
    primary, standby, _ = fleet(1, 1)
    with Fleet() as servers:
        first = servers.primary("pg-1", {"archive_mode": "on", "archive_command": "true"})
        (shop,) = set(DATABASES) - {"postgres", "template1"}
        first.query(f"CREATE DATABASE {shop}")
        second, _ = servers.standby("pg-2", first), servers.standby("pg-3", first)
        servers.wait_caught_up()
        with psycopg.connect(second.dsn(shop, application_name="web")) as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")
            of_primary, of_standby = await looks(shop, first, first), await looks(shop, first, second)
    for made, seen in ((primary, of_primary), (standby, of_standby)):
        assert set.intersection(*seen) - set(told(made)) <= OF_A_SESSION
        assert set(told(made)) <= set.union(*seen)


async def looks(dbname: str, written: Server, server: Server) -> list[set[str]]:
    """What an agent tells in some looks, with something written before each."""
    instance = InstanceSettings(
        dsn=Secret(server.dsn(dbname, AGENT)), name=server.name, cluster="orders", datacenter="fra1"
    )
    sampler = Sampler(instance, AgentSettings(instances=[instance], interval_s=1.0), SystemClock())
    try:
        found = []
        for _ in range(LOOKS):
            written.query("SELECT pg_logical_emit_message(true, 'leadline', 'written')")
            await SystemClock().sleep(0.5)
            sample, _ = await sampler.look()
            found.append({path for path in told(sample) if not path.startswith(NOW_AND_THEN)})
        return found
    finally:
        await sampler.close()
