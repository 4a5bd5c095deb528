"""The page of all commands. ``python -m leadline_cli.reference > docs/reference/commands.md`` writes it."""

import sys
from collections.abc import Iterator

import click

from leadline_cli.main import COMMANDS, leadline

WIDTH = 100
_HEAD = """\
# Commands

<!-- Made from cli/leadline_cli/ by `python -m leadline_cli.reference`; a test holds it current. -->

Output for people goes to the terminal. `--format json` gives one JSON object a line on standard output and nothing else
there; logs and errors go to standard error.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | the thing looked at is not fine |
| 2 | wrong use or wrong settings; the message names the option, or the path in the file |
| 3 | something needed does not answer |
| 130 | interrupted |

`--debug`, anywhere on the line, shows the traceback of an unexpected error.
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
