"""``leadline rules``."""

import asyncio
import dataclasses
from pathlib import Path

import click
from msgspec.structs import asdict

from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.stream import StreamSettings
from leadline.words import amount
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit, table


@click.group()
def command() -> None:
    """List the rules and their limits; judge the rules of Prometheus that you have.

    \b
    Example:
      leadline rules list
      leadline rules import /etc/prometheus/rules/*.yml
    """


@command.command("list")
@config_option
@click.option("--cluster", metavar="NAME", help="With --config: this cluster only, with all that its servers hide.")
@format_option
def list_(config: Path | None, cluster: str | None, form: str) -> None:
    """List the rules with their default limits. `rules` and `overrides` in the settings change them.

    Columns: the limits for severity warning and critical, how long a breach lasts before the alert fires (for), how
    long it must be clear before the alert resolves (keep).

    With --config, the settings of `leadline stream`, it reads what the stream sees instead, and lists for each cluster
    which rules are armed and which are blind: what is not seen, and what to grant or to start.

    \b
    Example:
      leadline rules list
      leadline rules list -c stream.yaml --cluster orders
    """
    from leadline_streams.reported import EVERY_RULE

    if config is not None:
        _armed(settings(StreamSettings, config), cluster, form)
        return
    if cluster is not None:
        raise UsageError("--cluster needs --config FILE, which says where Kafka is")
    if form == "json":
        for rule in EVERY_RULE.values():
            entry = rule.entry
            about = {"rule": rule.name, "family": entry.family, "class": entry.class_, "help": entry.help}
            emit(about | {"unit": entry.unit} | asdict(rule.limits))
        return
    rows = []
    for rule in sorted(EVERY_RULE.values(), key=lambda rule: (rule.entry.family, rule.name)):
        entry = rule.entry
        limits, low = rule.limits, rule.limits.low_is_bad
        levels = (_level(limits.warning, entry.unit, low), _level(limits.critical, entry.unit, low))
        rows.append(
            (
                rule.name,
                rule.entry.family,
                *levels,
                f"{limits.for_s:g} s",
                f"{limits.keep_s:g} s",
                rule.entry.help.split(". ")[0].removesuffix("."),
            )
        )
    table(("rule", "family", "warning", "critical", "for", "keep", "about"), rows)


def _armed(given: StreamSettings, cluster: str | None, form: str) -> None:
    from leadline_cli import rules_armed

    found = asyncio.run(rules_armed.spots(given, cluster))
    if not found:
        which = f"no server of cluster {cluster}" if cluster is not None else "no server"
        raise UsageError(f"{which} is on the status topic; start `leadline stream` and an agent")
    for name, spots in found.items():
        if form == "json":
            for each in rules_armed.states(given, name, spots):
                emit(each)
        else:
            click.echo("\n".join(escape(line) for line in rules_armed.page(given, name, spots)))


def _level(level: float | None, unit: str, low_is_bad: bool) -> str:
    if level is None:
        return ""
    return ("≤ " if low_is_bad else "≥ ") + amount(level, unit)


@command.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--scrape",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The page of an exporter, or the names of all metrics as Prometheus gives them: proves what is there.",
)
@format_option
def import_(files: tuple[Path, ...], scrape: Path | None, form: str) -> int:
    """Judge alerts of Prometheus about replication: whether each can fire, what it hides, and what replaces it.

    Nothing is changed or sent. FILE has groups of rules, as Prometheus or its operator reads them; give all files
    together, since alerts read recording rules of others. Alerts about other things are counted and left out. Exit code
    1: an alert can never fire, is silent in its fault, or cannot be read.

    \b
    Example:
      leadline rules import /etc/prometheus/rules/*.yml
      leadline rules import rules.yml --scrape metrics.txt
    """
    from leadline_cli.rule_import import page, reading, scraped
    from leadline_cli.rule_import.report import report
    from leadline_cli.rule_import.verdict import BAD

    rules = [rule for file in files for rule in reading.read(file)]
    found = report(rules, scraped.names(scrape) if scrape is not None else None)
    if form == "json":
        for alert in found.alerts:
            emit(dataclasses.asdict(alert))
        click.echo(page.summary(found), err=True)
    else:
        click.echo(page.page(found))
    return int(any(alert.verdict in BAD for alert in found.alerts))
