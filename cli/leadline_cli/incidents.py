"""``leadline incidents``."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import click

from leadline.clock import SystemClock
from leadline.errors import LeadlineError, ProblemFound, UsageError
from leadline.kafka import publish
from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.settings.sink import SinkSettings
from leadline.words import duration
from leadline_cli.options import by_option, config_option, format_option, parse_duration, settings, user
from leadline_cli.output import emit, table

if TYPE_CHECKING:
    from leadline_sinks.incident_log.incident_history import IncidentHistory
    from leadline_sinks.incident_log.reader import Known, Listed

F = TypeVar("F", bound=Callable[..., Any])


class Since(click.ParamType):
    """A time: a duration before now, a date, or a date and time. Without a zone it is in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            if (ago := parse_duration(value)) is not None:
                return SystemClock().now() - ago
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail("give 90m, 12h or 7d (before now), or a date and time such as 2026-04-10T10:00", param, ctx)


@click.group()
def command() -> None:
    """List, show and export incidents; acknowledge them and add notes.

    \b
    Example:
      leadline incidents list -c sink.yaml --state open
    """


@command.command("list")
@config_option
@click.option("--cluster", metavar="NAME", help="Only incidents of this cluster.")
@click.option(
    "--since",
    type=Since(),
    help="Only incidents that were open after this time: 90m, 12h or 7d ago, or a date and time.",
)
@click.option("--state", type=click.Choice(["open", "resolved"]), help="Only incidents in this state.")
@format_option
def list_(config: Path | None, cluster: str | None, since: datetime | None, state: Any, form: str) -> None:
    """List incidents: open ones first, then the newest.

    \b
    Example:
      leadline incidents list -c sink.yaml --since 7d
    """
    from leadline_sinks.incident_log import reader

    async def read() -> list[reader.Listed]:
        async with reader.session(_dsn(settings(SinkSettings, config))) as connection:
            return await reader.incidents(connection, cluster=cluster, since=since, state=state)

    found = asyncio.run(read())
    if form == "json":
        for each in found:
            emit(_plain(asdict(each)))
        return
    now = SystemClock().now()
    rows = [
        (
            each.incident_id,
            _state(each),
            each.severity,
            each.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
            duration(((each.resolved_at or now) - each.opened_at).total_seconds()),
            duration(each.to_detect_s),
            duration(each.to_cause_s),
            each.title,
        )
        for each in found
    ]
    if rows:
        table(("incident", "state", "severity", "opened (UTC)", "lasted", "detected", "cause", "title"), rows)
    else:
        click.echo("no incidents")


@command.command("show")
@click.argument("incident", metavar="ID")
@config_option
@format_option
def show_(incident: str, config: Path | None, form: str) -> None:
    """Show everything about one incident.

    That is its causes with their evidence, its timeline, deliveries and actions. ID may be shortened to its first
    characters.

    \b
    Example:
      leadline incidents show inc_orders_20260410T1000 -c sink.yaml
    """
    from leadline_sinks.incident_log.terminal import page

    history = _history(config, incident)
    if form == "json":
        parts = ("incident", "transitions", "deliveries", "actions", "parts")
        emit(_plain({name: getattr(history, name) for name in parts} | {"times": asdict(history.times)}))
    else:
        click.echo(page(history))


@command.command("ack")
@click.argument("incident", metavar="ID")
@config_option
@by_option
@format_option
def ack_(incident: str, config: Path | None, by: str | None, form: str) -> None:
    """Acknowledge an incident, and notify every target of it. Works while the incident log is down.

    \b
    Example:
      leadline incidents ack inc_orders_20260410T100003Z_7c1e -c sink.yaml
    """
    _act(config, incident, "acknowledge", by, "", form)


@command.command("note")
@click.argument("incident", metavar="ID")
@click.argument("text")
@config_option
@by_option
@format_option
def note_(incident: str, text: str, config: Path | None, by: str | None, form: str) -> None:
    """Add a note to an incident. Works while the incident log is down.

    \b
    Example:
      leadline incidents note inc_orders_20260410T100003Z_7c1e \\
          'ended the report' -c sink.yaml
    """
    if not text.strip():
        raise UsageError("the note is empty; give its text")
    _act(config, incident, "note", by, text, form)


@command.command("export")
@click.argument("incident", metavar="ID")
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["md"]),
    default="md",
    show_default=True,
    help="md: the draft of a post-mortem.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A new file; by default standard output."
)
def export_(incident: str, config: Path | None, form: str, output: Path | None) -> None:
    """Write the draft of a post-mortem.

    Its parts are summary, timeline, root cause and resolution, and measures.

    \b
    Example:
      leadline incidents export inc_orders_20260410T1000 -c sink.yaml \\
          -o postmortem.md
    """
    from leadline_sinks.incident_log.postmortem import draft

    written = draft(_history(config, incident))
    if output is None:
        click.echo(written, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(written)
    except FileExistsError:
        raise UsageError(f"{output} exists; give another name, or remove the file") from None
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote the draft to {output}", err=True)


@command.command("verify")
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
        async with reader.session(_dsn(loaded)) as connection:
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


@command.command("migrate")
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
        async with reader.session(_dsn(settings(SinkSettings, config))) as connection:
            return [each.name for each in await schema.migrate(connection)]

    made = asyncio.run(apply())
    for name in made:
        emit({"step": name, "applied": True}) if form == "json" else click.echo(f"applied {name}")
    if not made and form == "text":
        click.echo("the schema is up to date")


def _state(each: "Listed") -> str:
    """The state in words, with the acknowledgement of an open incident and the returns of any."""
    if each.merged_into is not None:
        return "merged"
    parts = [each.state, *(["acknowledged"] if each.acknowledged_at and each.state == "open" else [])]
    if each.returns:
        parts.append("returned once" if each.returns == 1 else f"returned {each.returns} times")
    return ", ".join(parts)


def _links(found: Any) -> list[tuple[str, Any]]:
    return [("start", found.start), ("head", found.head)]


def _dsn(loaded: SinkSettings) -> str:
    if loaded.incident_log.dsn is None:
        raise UsageError("no incident log is configured; set incident_log.dsn, or LEADLINE_INCIDENT_LOG_DSN")
    return loaded.incident_log.dsn.reveal()


def _history(config: Path | None, incident: str) -> "IncidentHistory":
    from leadline_sinks.incident_log import reader

    async def read() -> "IncidentHistory":
        async with reader.session(_dsn(settings(SinkSettings, config))) as connection:
            ident = reader.the_one(incident, await reader.beginning(connection, incident))
            return await reader.history(connection, ident)

    return asyncio.run(read())


def _act(config: Path | None, incident: str, kind: Any, by: str | None, text: str, form: str) -> None:
    loaded = settings(SinkSettings, config)
    if len(text) > 4000:
        raise UsageError(f"the note has {len(text)} characters; the limit is 4000")
    ident, known = asyncio.run(_known(loaded, incident))
    action = Action(
        action_id=f"act_{uuid4().hex}",
        incident_id=IncidentId(ident),
        kind=kind,
        by=(by or user())[:255],
        text=text,
        at=SystemClock().now(),
        generation=known.generation if known is not None else None,
    )
    asyncio.run(publish(loaded.kafka, "leadline-incidents", action))
    if form == "json":
        emit(_plain({"action": action}))
    else:
        over = "; it is resolved already" if known is not None and known.state == "resolved" else ""
        click.echo(f"{'acknowledged' if kind == 'acknowledge' else 'noted'} {action.incident_id} as {action.by}{over}")


async def _known(loaded: SinkSettings, incident: str) -> tuple[str, "Known | None"]:
    """The complete ID and the incident from the incident log; ``incident`` itself without one that answers."""
    from leadline_sinks.incident_log import reader

    if not loaded.incident_log.wanted:
        return incident, None
    try:
        async with reader.session(_dsn(loaded)) as connection:
            found = await reader.beginning(connection, incident)
    except LeadlineError as error:
        click.echo(f"cannot check that the incident exists: {error}", err=True)
        return incident, None
    ident = reader.the_one(incident, found)
    return ident, found[ident]


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as JSON values."""
    import orjson

    from leadline.wire import encode

    plain: dict[str, Any] = orjson.loads(encode(fields))
    return plain
