"""``leadline promote-check``."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
import msgspec

from leadline.advisories.loading import shipped
from leadline.errors import ProblemFound, UnreachableError
from leadline.logs import escape
from leadline.steps import grouped
from leadline.words import size
from leadline_cli.audit import examine
from leadline_cli.options import cluster_option, format_option
from leadline_cli.output import emit
from leadline_cli.servers import servers

if TYPE_CHECKING:
    from leadline_streams.audit.engines.postgresql.promotion import Readiness


@click.command()
@click.argument("standby", metavar="[NAME=]DSN")
@click.argument("primary", metavar="[NAME=]PRIMARY_DSN")
@cluster_option
@format_option
def command(standby: str, primary: str, cluster: str, form: str) -> None:
    """Say whether a standby may be promoted: yes, no, or it cannot be seen.

    Both servers are read once, with pg_monitor and no other right, and nothing is changed. The answer has its reasons,
    the amount of WAL that the standby does not have, and who else follows the primary. It is an answer about these two
    servers as they are now; whether the primary is really gone, only people can know.

    The exit code is 0 for yes, 1 for no, and 3 when it cannot be seen.

    \b
    Example:
      leadline promote-check pg-2='host=10.0.0.2 user=leadline dbname=postgres' \\
                             pg-1='host=10.0.0.1 user=leadline dbname=postgres'
    """
    from leadline_streams.audit.engines.postgresql.promotion import readiness

    given = servers([standby, primary], None, cluster)
    report, fleets, _ = examine(given, shipped())
    found = readiness(fleets[0] if fleets else None, report, given[0].name, given[1].name)
    if form == "json":
        emit({"kind": "readiness", **msgspec.to_builtins(found, builtin_types=(datetime,))})
    else:
        _print(found)
    if found.answer == "no":
        raise ProblemFound(f"{found.standby} is not ready to be promoted")
    if found.answer == "cannot say":
        raise UnreachableError(f"cannot see whether {found.standby} is ready: {found.reasons[0]}")


def _print(found: "Readiness") -> None:
    colour = {"yes": "green", "no": "red", "cannot say": "yellow"}[found.answer]
    click.echo(click.style(f"{found.answer.upper()}", fg=colour, bold=True) + escape(f"  promote {found.standby}"))
    for reason in found.reasons:
        click.echo(escape(f"  {'because' if found.answer == 'no' else 'not seen'}: {reason}"))
    if found.behind_bytes is not None:
        click.echo(escape(f"  at risk: {size(found.behind_bytes)} of WAL that only {found.primary} has"))
    if found.unreplayed_bytes:
        click.echo(f"  to replay first: {size(found.unreplayed_bytes)}")
    for name in found.others:
        click.echo(escape(f"  must follow it then: {name}"))
    for finding in found.risks:
        click.echo(escape(f"  to know: {finding.summary} ({finding.rule})"))
    for finding in found.stops:
        click.echo("\n" + escape(f"{finding.rule}  {finding.title}"))
        for group in grouped(finding.steps):
            for line in (f"on {group.place}:" if group.place else "", group.warning, *group.lines):
                if line:
                    click.echo(escape(f"  {line}"))
