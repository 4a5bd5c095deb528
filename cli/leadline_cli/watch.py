"""``leadline watch``."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from leadline.clock import Clock, SystemClock
from leadline.errors import ProblemFound, UsageError
from leadline.logs import escape
from leadline.settings.dsn import address, parts
from leadline.settings.environment import variable
from leadline.settings.plain import revealed
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import StreamSettings
from leadline.settings.targets import KINDS
from leadline_cli.options import cluster_option, format_option, judged_option, settings

if TYPE_CHECKING:
    from leadline_lab.pipeline import Pipeline
    from leadline_lab.view.fleet import FleetView
    from leadline_lab.view.show import Show

JUDGED: Final = ("judgement", "rules", "overrides")
"""Settings that are handed to the process that judges."""
EXPOSED: Final = (
    "leadline: everybody on this machine can read the password in the list of processes: put it into a password file "
    "(PGPASSFILE) or the server into a service file (service=NAME)"
)
QUIET: Final = {"log": {"level": "warning"}}


@click.command()
@click.argument("dsns", metavar="DSN...", nargs=-1, required=True)
@cluster_option
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--for",
    "for_s",
    type=click.FloatRange(0, 86400),
    metavar="SECONDS",
    help="Seconds that a breach must last before an alert fires, for every rule; by default each rule's own.",
)
@judged_option
@click.option(
    "--duration",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="Exit after this many seconds; by default on Ctrl-C.",
)
@click.option(
    "--db-sink",
    metavar="DSN",
    help="Write an incident log to this PostgreSQL database, as the owner of schema leadline.",
)
@format_option
def command(
    dsns: tuple[str, ...],
    cluster: str,
    interval: float,
    for_s: float | None,
    config: Path | None,
    duration: float | None,
    db_sink: str | None,
    form: str,
) -> None:
    """Watch your servers live, with the whole pipeline on this machine.

    DSN is a connection string; its role needs pg_monitor and no other right. A password is best in a password file, or
    everything in a service file: service=NAME. Agent, broker and judgement run on this
    machine. The broker is in memory; only the incident log, if there is one, is kept. Slack, PagerDuty and a webhook
    are notified when LEADLINE_SLACK_*, LEADLINE_PAGERDUTY_* or LEADLINE_WEBHOOK_* are set. With --duration, the exit
    code is 1 when an incident is open at the end.

    \b
    Example:
      leadline watch --for 10 'host=pg-1 user=leadline dbname=postgres' \\
                              'host=pg-2 user=leadline dbname=postgres'
    """
    from leadline_lab.pipeline import Pipeline
    from leadline_lab.view.fleet import FleetView
    from leadline_lab.view.show import Lines, Live
    from leadline_streams.rules import RULES

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: everything is put away
    if any("password" in parts(dsn) for dsn in (*dsns, *([db_sink] if db_sink else []))):
        click.echo(EXPOSED, err=True)
    judged = _judgement(settings(StreamSettings, config), RULES, for_s, interval)
    sinks = _sinks(settings(SinkSettings, None), db_sink)
    names = [name for name in sinks if name != "proxy"]
    with Pipeline() as pipeline:
        pipeline.start("agent", _agent(dsns, cluster, interval, str(pipeline.file("spool.sqlite3"))))
        pipeline.start("stream", {**{name: revealed(getattr(judged, name)) for name in JUDGED}, **QUIET})
        if names:
            acknowledge = f"{variable(('kafka', 'bootstrap'))}={pipeline.kafka.bootstrap} leadline incidents ack"
            pipeline.start("sink", {**sinks, "notify": {"acknowledge": acknowledge}, **QUIET}, *names)
        live = form == "text" and sys.stdout.isatty()
        note = (
            f"embedded broker at {pipeline.kafka.bootstrap}, in memory{''.join(f'; notifies {name}' for name in names)}"
        )
        fleet = FleetView()
        try:
            with Live(note) if live else Lines(json=form == "json") as show:
                asyncio.run(_watch(pipeline, show, fleet, duration, SystemClock()))
        finally:
            for line in _left_open(fleet):
                click.echo(line, err=True)


def _left_open(fleet: "FleetView") -> Iterator[str]:
    """The open incidents of which targets were notified: nobody will notify them of the end."""
    for incident in fleet.incidents.values():
        targets = sorted(fleet.notified.get(incident.incident_id, ()))
        if incident.state == "open" and targets:
            where = ", ".join(targets)
            yield escape(f"still open in {where}: {incident.title} ({incident.incident_id}); close it there yourself")


async def _watch(pipeline: "Pipeline", show: "Show", fleet: "FleetView", duration: float | None, clock: Clock) -> None:
    """Show the topics as they change until the time is over."""
    from leadline.model.alert import Transition
    from leadline.model.delivery import Delivery
    from leadline.model.incident import Incident
    from leadline_lab.pipeline import Gone

    until = None if duration is None else clock.monotonic() + duration
    async with aclosing(pipeline.follow()) as batches:
        async for batch in batches:
            for value in batch:
                if isinstance(value, Gone):
                    fleet.forget(value.key.decode())
                    continue
                fleet.take(value)
                if isinstance(value, Transition | Incident | Delivery):
                    show.event(value)
            fleet.sample_lags(clock.monotonic())
            show.picture(fleet, clock.now())
            if until is not None and clock.monotonic() >= until:
                break
    if any(incident.state == "open" for incident in fleet.incidents.values()):
        raise ProblemFound("an incident is open; see above")


def _sinks(own: SinkSettings, db_sink: str | None) -> dict[str, Any]:
    """Of the settings in the environment, the targets that are there; and the incident log. Raises UsageError."""
    found = {kind: revealed(getattr(own, kind)) for kind in KINDS if getattr(own, kind).wanted}
    if found and own.proxy.url is not None:
        found["proxy"] = revealed(own.proxy)
    if db_sink is not None:
        address(db_sink)
        found["incident_log"] = {"dsn": db_sink}
    return found


def node_names(dsns: Sequence[str]) -> list[str]:
    """A name for each server: its address. Raises UsageError when two are the same or one is no connection string."""
    names = [address(dsn) for dsn in dsns]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name} is given twice; give each server once")
    return names


def _agent(dsns: Sequence[str], cluster: str, interval: float, spool: str) -> dict[str, Any]:
    instances = [
        {"dsn": dsn, "name": name, "cluster": cluster} for dsn, name in zip(dsns, node_names(dsns), strict=True)
    ]
    return {"instances": instances, "interval_s": interval, "spool": {"path": spool}, **QUIET}


def _judgement(
    given: StreamSettings, rules: Sequence[str] | Any, for_s: float | None, interval: float
) -> StreamSettings:
    """The settings with ``--for`` in every rule, no longer a wait than one agent can cause, and status each second."""
    from msgspec.structs import replace

    from leadline.settings.stream import RuleOverride

    judgement = replace(
        given.judgement,
        lateness_s=min(given.judgement.lateness_s, interval),
        status_every_s=min(given.judgement.status_every_s, max(1.0, interval)),
    )
    changed = dict(given.rules)
    if for_s is not None:
        for name in rules:
            changed[name] = replace(changed.get(name, RuleOverride()), for_s=for_s)
    return replace(given, judgement=judgement, rules=changed)
