"""``leadline advisories``."""

from datetime import date
from pathlib import Path

import click
import msgspec

from leadline.advisories.entry import Facts
from leadline.advisories.loading import amended, shipped
from leadline.advisories.osv import osv
from leadline.clock import SystemClock
from leadline_cli.output import emit, table


@click.command()
@click.option(
    "--advisories",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Facts that add to, replace or withdraw those that ship with Leadline.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "osv"]),
    default="text",
    show_default=True,
    help="text for people; json for programs, one object per line; osv in the Open Source Vulnerability format.",
)
def command(file: Path | None, form: str) -> None:
    """List the known defects of replication by the minor release that repairs them.

    These are the facts by which `leadline audit` judges versions. They ship with Leadline and need no network.

    \b
    Example:
      leadline advisories --format osv
    """
    facts = shipped() if file is None else amended(shipped(), file)
    if form == "osv":
        for record in osv(facts):
            emit(record)
        return
    if form == "json":
        for each in facts.advisories:
            emit(msgspec.to_builtins(each, builtin_types=(date,)))
        return
    table(
        ("id", "repaired in", "effect is", "when", "effect"),
        [(each.id, " ".join(each.fixed), each.effect_is, each.when, each.effect) for each in facts.advisories],
    )
    click.echo(f"\n{_age(facts)}")


def _age(facts: Facts) -> str:
    old = ": older than one regular minor release" if facts.is_old(SystemClock().now().date()) else ""
    return f"{len(facts.advisories)} defects; facts as of {facts.facts_as_of}{old}"
