"""``leadline incidents verify`` and ``migrate``: the chain and the schema of the incident log."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from leadline.errors import ProblemFound, UsageError
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.log_access import dsn
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit


@click.command("verify")
@config_option
@click.option("--head", metavar="NUMBER:HASH", help="The head that an earlier run printed.")
@click.option("--kafka", "with_kafka", is_flag=True, help="Compare with the heads that deliveries carried to Kafka.")
@format_option
def verify_(config: Path | None, head: str | None, with_kafka: bool, form: str) -> None:
    """Verify the hash chain of the incident log, and the table of incidents that is made from it.

    Exit code 1 when the chain is broken, and the message names the row, or when an incident is not what its records
    say. Whoever may write everything can make a new chain that is valid by itself. Only heads that were noted elsewhere
    show that: each delivery in Kafka carries one, and --head takes one that was printed here before.

    \b
    Example:
      leadline incidents verify -c sink.yaml --kafka
    """
    from leadline.topic_table import latest
    from leadline.wire import DELIVERIES
    from leadline_sinks.incident_log import reader
    from leadline_sinks.incident_log.chain import ChainLink

    known = []
    if head is not None:
        if (given := ChainLink.parse(head)) is None:
            raise UsageError("--head must be a number, a colon and 64 hexadecimal digits, as `verify` prints them")
        known.append(given)

    async def walk() -> reader.Verified:
        loaded = settings(SinkSettings, config)
        sent = (await latest(loaded.kafka, DELIVERIES, "leadline-incidents")).values() if with_kafka else ()
        carried = [link for each in sent if (link := ChainLink.parse(each.log_head)) is not None]
        if with_kafka and not carried:
            raise UsageError("no delivery in Kafka carries a head of the incident log; leave out --kafka")
        async with reader.session(dsn(loaded)) as connection:
            return await reader.verify(connection, [*known, *carried])

    found = asyncio.run(walk())
    if form == "json":
        links = {name: {"number": link.number, "hash": link.hash.hex()} for name, link in _links(found)}
        broken = asdict(found.broken) if found.broken else None
        emit({"rows": found.rows, **links, "noted": found.noted, "broken": broken, "differing": list(found.differing)})
    elif not found.broken:
        heads = "head" if found.noted == 1 else "heads"
        compared = f" and compared with {found.noted} noted {heads}" if found.noted else ""
        click.echo(f"{found.rows} rows verified{compared}; the head is {found.head}")
    if found.broken:
        raise ProblemFound(f"the chain is broken at row {found.broken.number}: {found.broken.why}")
    if found.differing:
        raise ProblemFound(f"leadline.incident is not what the records say of {', '.join(found.differing)}")


def _links(found: Any) -> list[tuple[str, Any]]:
    return [("start", found.start), ("head", found.head)]


@click.command("migrate")
@config_option
@format_option
def migrate_(config: Path | None, form: str) -> None:
    """Create or upgrade the schema of the incident log. `leadline sink` does the same if its role has the rights.

    \b
    Example:
      leadline incidents migrate -c owner.yaml
    """
    from leadline_sinks.incident_log import reader, schema

    async def apply() -> list[str]:
        async with reader.session(dsn(settings(SinkSettings, config))) as connection:
            return [each.name for each in await schema.migrate(connection)]

    made = asyncio.run(apply())
    for name in made:
        emit({"step": name, "applied": True}) if form == "json" else click.echo(f"applied {name}")
    if not made and form == "text":
        click.echo("the schema is up to date")
