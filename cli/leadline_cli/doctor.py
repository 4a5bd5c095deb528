"""``leadline doctor``."""

import asyncio
from pathlib import Path

import click

from leadline.errors import ProblemFound, UnreachableError
from leadline_cli.config import load_for, process_option
from leadline_cli.options import config_option, format_option
from leadline_cli.output import emit, table


@click.command()
@config_option
@process_option
@click.option("--notify", is_flag=True, help="Send a test notification to each target of a sink.")
@click.option(
    "--rights",
    "dsns",
    metavar="DSN",
    multiple=True,
    help="Instead: report what this server shows to its role, in a form to send to others. May be given several times.",
)
@click.option("--mask", is_flag=True, help="With --rights: leave out addresses and the name of the role.")
@format_option
def command(
    config: Path | None, process: str | None, notify: bool, dsns: tuple[str, ...], mask: bool, form: str
) -> None:
    """Check everything that a process needs.

    For every process: Kafka answers and its topics are as expected. For an agent also: every database server answers,
    has a supported version and grants the rights, its clock agrees with this host's, and the spool is writable. For a
    sink also: its targets are reachable, and the incident log is writable. For a verifier also: both ends of each link
    answer and show their tables. For a console also: its port is free, people can reach it by a name that it answers,
    the OpenID provider is one, files with secrets are not for everybody, and the incident log is readable. Exit code 1
    when a check fails, 3 when something does not answer.

    With --rights no settings are needed. The report holds versions, names of groups and SQLSTATEs, and no password,
    query or data. Exit code 1 when something is not permitted that a GRANT would allow.

    \b
    Example:
      leadline doctor -c agent.yaml
      leadline doctor --rights 'host=pg-1 user=leadline dbname=postgres' --mask
    """
    if dsns:
        from leadline_cli.rights import show_rights

        return show_rights(dsns, mask=mask, form=form)
    from leadline.clock import SystemClock
    from leadline_cli.checks import examine

    checks = asyncio.run(examine(load_for(process, config).settings, SystemClock(), notify=notify))
    if form == "json":
        for each in checks:
            emit({"subject": each.subject, "check": each.check, "result": each.result, "said": each.detail})
    else:
        table(("subject", "check", "result", "detail"), [(c.subject, c.check, c.result, c.detail) for c in checks])
    results = [each.result for each in checks]
    silent, failed = results.count("unreachable"), len(results) - results.count("ok")
    if silent:
        raise UnreachableError(f"{failed} of {len(results)} checks failed, {silent} of them without an answer")
    if failed:
        raise ProblemFound(f"{failed} of {len(results)} checks failed")
