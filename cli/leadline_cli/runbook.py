"""``leadline runbook``: the page of a rule, with the servers of an incident."""

import asyncio
from difflib import get_close_matches
from pathlib import Path

import click

from leadline import runbooks
from leadline.catalogue import RULES
from leadline.errors import UsageError
from leadline.model.incident import Incident
from leadline.settings.common import KafkaSettings
from leadline.settings.sink import SinkSettings
from leadline_cli.options import config_option, settings

CLIENT = "leadline-runbook"


@click.command("runbook")
@click.argument("rule", metavar="[RULE]", required=False)
@click.option("--incident", metavar="ID", help="An incident, whose servers are filled in.")
@config_option
def command(rule: str | None, incident: str | None, config: Path | None) -> None:
    """Show what to check and to do when a rule has fired.

    With an incident, its statements name the servers, and RULE is by default the first rule that fired. Without either,
    the rules are listed.

    \b
    Example:
      leadline runbook replication_lag
      leadline runbook replication_lag --incident inc_orders_20260410T1000 \\
          -c sink.yaml
    """
    if rule is None and incident is None:
        for name in runbooks.names():
            click.echo(f"{name:26} {RULES[name].help}" if name in RULES else name)
        return
    found = _incident(config, incident) if incident is not None else None
    if rule is None:
        if found is None or not found.rules:
            raise UsageError("no rule of this incident is known; name one")
        rule = found.rules[0]
    if rule not in runbooks.names():
        near = get_close_matches(rule, runbooks.names(), 1)
        hint = f"did you mean {near[0]}?" if near else "leadline runbook lists them"
        raise UsageError(f"no rule is named {rule}; {hint}")
    text = runbooks.page(rule)
    click.echo(text if found is None else runbooks.filled(text, found), nl=False)


def _incident(config: Path | None, ident: str) -> Incident:
    """The incident of the incident log, or, where none is configured, of Kafka. Raises UsageError."""
    from leadline_cli.incidents.history import history_of

    loaded = settings(SinkSettings, config)
    if loaded.incident_log.wanted:
        return history_of(config, ident).incident
    incidents = asyncio.run(_incidents(loaded.kafka))
    found = [each for name, each in sorted(incidents.items()) if name.startswith(ident)]
    if len(found) != 1 and ident not in incidents:
        count = f"{len(found)} incidents in Kafka begin" if found else "no incident in Kafka begins"
        raise UsageError(f"{count} with {ident}; `leadline query incidents` lists them")
    return incidents.get(ident) or found[0]


async def _incidents(kafka: KafkaSettings) -> dict[str, Incident]:
    from leadline.topic_table import latest
    from leadline.wire import INCIDENTS

    return await latest(kafka, INCIDENTS, CLIENT)
