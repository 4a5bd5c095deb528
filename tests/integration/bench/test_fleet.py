"""The samples of the benchmarks have the contents that agents send."""

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
"""Sent once a minute."""
OF_A_SESSION = {".activity.oldest.wrote", ".activity.oldest.wait"}
"""Sent for a session that wrote, or waits."""


def contents(value: Any, prefix: str = "") -> Iterator[str]:
    """The paths at which a value is not the default, which a writer may leave out; all rows have one path."""
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            inner = getattr(value, field.name)
            if field.required or inner != field.default:
                yield from contents(inner, f"{prefix}.{field.name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from contents(inner, f"{prefix}.{name}")
    elif isinstance(value, tuple):
        for inner in value:
            yield from contents(inner, prefix)
    else:
        yield prefix


async def test_the_fleet_of_the_benchmarks_sends_what_agents_send() -> None:
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
            of_primary, of_standby = await sampled(shop, first, first), await sampled(shop, first, second)
    for made, seen in ((primary, of_primary), (standby, of_standby)):
        assert set.intersection(*seen) - set(contents(made)) <= OF_A_SESSION
        assert set(contents(made)) <= set.union(*seen)


async def sampled(dbname: str, written: Server, server: Server) -> list[set[str]]:
    """The contents of some samples of an agent, with something written before each."""
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
            found.append({path for path in contents(sample) if not path.startswith(NOW_AND_THEN)})
        return found
    finally:
        await sampler.close()
