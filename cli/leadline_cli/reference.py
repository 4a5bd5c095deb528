"""The page of commands. ``python -m leadline_cli.reference > docs/reference/commands.md`` writes it."""

import sys
from collections.abc import Iterator

import click

from leadline_cli.main import COMMANDS, leadline

WIDTH = 100
_HEAD = """\
# Commands

<!-- Made from cli/leadline_cli/ by `python -m leadline_cli.reference`; a test holds it current. -->

By default the output is for people. With `--format json` a command writes one JSON object per line to standard output,
and nothing else there; log messages and errors go to standard error.

| exit code | means |
|---|---|
| 0 | success |
| 1 | a problem was found; the output shows it |
| 2 | wrong usage or wrong settings; the message names the option, or the path in the file |
| 3 | something needed does not answer |
| 130 | interrupted |

`--debug`, anywhere on the command line, shows the traceback of an unexpected error.
"""


def reference() -> str:
    """The page in Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield _HEAD
    context = click.Context(leadline, info_name="leadline", **leadline.context_settings)
    for section, commands in COMMANDS.items():
        yield f"## {section}\n"
        for name in commands:
            command = leadline.get_command(context, name)
            assert command
            yield from _help(command, name, context)


def _help(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH)
    if isinstance(command, click.Group):
        for inner, subcommand in command.commands.items():
            yield from _help(subcommand, inner, context)
        return
    yield f"### `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
