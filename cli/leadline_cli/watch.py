"""``leadline watch``."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from leadline import __version__
from leadline.clock import Clock, SystemClock
from leadline.errors import ProblemFound, UsageError
from leadline.logs import escape
from leadline.settings.agent import InstanceSettings
from leadline.settings.dsn import address
from leadline.settings.environment import variable
from leadline.settings.plain import revealed
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings, SinkSettings
from leadline.settings.stream import StreamSettings
from leadline_cli.left_open import left_open
from leadline_cli.options import cluster_option, format_option, judged_option, settings
from leadline_cli.servers import EXPOSED, exposes, servers, servers_argument, servers_option

if TYPE_CHECKING:
    from leadline_lab.pipeline import Pipeline
    from leadline_lab.view.fleet import FleetView
    from leadline_lab.view.show import Show

NO_NOTICES: Final = {"match": {"rule": "audit_*"}, "to": []}
"""A route: the broker forgets what was sent, so that each run would send the notices of the audit again."""
JUDGED: Final = ("judgement", "rules", "overrides", "audit")
"""Settings that are handed to the process that judges."""
QUIET: Final = {"log": {"level": "warning"}}


@click.command()
@servers_argument
@servers_option
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
    file: Path | None,
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
    everything in a service file: service=NAME. A server without a NAME is shown under its cluster_name or the
    application_name under which it replicates, or else its address. Agent, broker, judgement and console run on this
    machine; the address of the console is printed. The broker is in memory; only the incident log, if there is one, is
    kept. Slack, PagerDuty and a webhook are notified when LEADLINE_SLACK_*, LEADLINE_PAGERDUTY_* or LEADLINE_WEBHOOK_*
    are set; each target is tested first, and one that refuses its settings ends the command. In a terminal, arrow keys
    scroll, ? lists the keys that sort, filter and look at a link closely, and q quits. With --duration, the exit code
    is 1 when an incident is open at the end.

    \b
    Example:
      leadline watch pg-1='host=10.0.0.1 user=leadline dbname=postgres' \\
                     pg-2='host=10.0.0.2 user=leadline dbname=postgres' --for 10
    """
    from leadline_lab.pipeline import Pipeline
    from leadline_lab.sandbox.port import HOST, Port
    from leadline_lab.view.fleet import FleetView
    from leadline_lab.view.show import Lines, Live
    from leadline_streams.rules import RULES

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: everything is put away
    read = servers(dsns, file, cluster)
    if exposes([*dsns, *([db_sink] if db_sink else [])]):
        click.echo(EXPOSED, err=True)
    judged = _judgement(settings(StreamSettings, config), RULES, for_s, interval)
    chosen = _targets(settings(SinkSettings, None), db_sink)
    names = [*chosen.names(), *(["incident_log"] if chosen.incident_log.wanted else [])]
    for line in asyncio.run(_tested(chosen, names)):
        click.echo(line, err=True)
    with Pipeline() as pipeline, Port() as port:
        console = f"http://{HOST}:{port.number}"
        for line in _beginning(read, pipeline.kafka.bootstrap, console):
            click.echo(line, err=True)
        pipeline.start("agent", _agent(read, interval, str(pipeline.file("spool.sqlite3"))))
        pipeline.start("stream", {**{name: revealed(getattr(judged, name)) for name in JUDGED}, **QUIET})
        if names:
            acknowledge = f"{variable(('kafka', 'bootstrap'))}={pipeline.kafka.bootstrap} leadline incidents ack"
            made = {
                **revealed(chosen),
                "routes": [NO_NOTICES],
                "notify": {**revealed(chosen.notify), "acknowledge": acknowledge, "console_url": console},
                **QUIET,
            }
            pipeline.start("sink", made, *names)
        pipeline.start("console", {**_console(port.number, chosen, str(pipeline.file("stream.yaml"))), **QUIET})
        live = form == "text" and sys.stdout.isatty()
        note = f"{console}  Kafka at {pipeline.kafka.bootstrap}{''.join(f'; notifies {name}' for name in names)}"
        fleet = FleetView()
        try:
            with Live(note) if live else Lines(json=form == "json") as show:
                asyncio.run(_watch(pipeline, show, fleet, duration, SystemClock()))
        finally:
            for line in left_open(fleet.incidents.values(), fleet.notified, chosen):
                click.echo(line, err=True)


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


def _targets(own: SinkSettings, db_sink: str | None) -> SinkSettings:
    """Of the settings in the environment, the targets and the proxy; and the incident log. Raises UsageError."""
    if db_sink is not None:
        address(db_sink)
    return SinkSettings(
        slack=own.slack,
        pagerduty=own.pagerduty,
        webhook=own.webhook,
        proxy=own.proxy,
        incident_log=IncidentLogSettings(dsn=Secret(db_sink) if db_sink is not None else None),
    )


async def _tested(chosen: SinkSettings, names: Sequence[str]) -> list[str]:
    """A line for each target that was tested. Raises UsageError where one refuses its settings."""
    from leadline_cli.target_checks import targets

    if not names:
        return ["targets: none, so nobody is notified; set LEADLINE_SLACK_* or LEADLINE_PAGERDUTY_*, or see --db-sink"]
    results = await targets(chosen, SystemClock(), notify=False)
    lines = [f"{each.subject}: {each.check}: {each.result}: {each.detail}" for each in results]
    if any(each.result == "fail" for each in results):
        raise UsageError("\n".join(line for each, line in zip(results, lines, strict=True) if each.result == "fail"))
    return [escape(line) for line in lines]


def _console(port: int, chosen: SinkSettings, limits: str) -> dict[str, Any]:
    """Settings of the console, which listens on this machine only, and explains links by these ``limits``."""
    log = {"incident_log": revealed(chosen.incident_log)} if chosen.incident_log.wanted else {}
    return {"web": {"port": port, "stream_settings": limits}, **log}


def _beginning(read: Sequence[InstanceSettings], bootstrap: str, console: str) -> Iterator[str]:
    """A line for the command itself and one for the servers."""
    yield f"leadline {__version__}: Kafka at {bootstrap}, in memory; console at {console}"
    yield escape("servers: " + ", ".join(f"{each.name} ({address(each.dsn.reveal())})" for each in read))


def _agent(read: Sequence[InstanceSettings], interval: float, spool: str) -> dict[str, Any]:
    return {"instances": [revealed(each) for each in read], "interval_s": interval, "spool": {"path": spool}, **QUIET}


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
    audit = replace(given.audit, spread_s=0.0)
    return replace(given, judgement=judgement, rules=changed, audit=audit)
