"""Manual pages of all commands. ``python -m leadline_cli.man DIRECTORY`` writes them, for ``man leadline-check``."""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from leadline import __version__
from leadline_cli.main import COMMANDS, leadline

EXIT_CODES = {
    "0": "success",
    "1": "a problem was found",
    "2": "wrong usage or wrong settings",
    "3": "something needed does not answer",
    "130": "interrupted",
}


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    context = click.Context(leadline, info_name="leadline", **leadline.context_settings)
    found = dict([_page(leadline, context)])
    for name in (name for section in COMMANDS.values() for name in section):
        command = leadline.get_command(context, name)
        assert command is not None
        found.update(_pages(command, click.Context(command, context, name)))
    return found


def _pages(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield _page(command, context)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _pages(inner, click.Context(inner, context, name))


def _page(command: click.Command, context: click.Context) -> tuple[str, str]:
    title = context.command_path.replace(" ", "-")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f'.TH "{title.upper()}" "1" "" "Leadline {__version__}" "Leadline"']
    lines += [".SH NAME", f"{title} \\- {_text(command.get_short_help_str(200).removesuffix('.'))}"]
    lines += [".SH SYNOPSIS", _text(usage), ".SH DESCRIPTION", *_description(command)]
    if options := [record for each in command.get_params(context) if (record := each.get_help_record(context))]:
        lines.append(".SH OPTIONS")
        for name, about in options:
            lines += [".TP", f"\\fB{_text(name)}\\fR", _text(about)]
    lines.append(".SH EXIT STATUS")
    for code, about in EXIT_CODES.items():
        lines += [".TP", f"\\fB{code}\\fR", _text(about)]
    lines += [".SH SEE ALSO", ", ".join(f"\\fB{_text(name)}\\fR(1)" for name in _others(command, context, title))]
    return f"{title}.1", "\n".join(lines) + "\n"


def _description(command: click.Command) -> Iterator[str]:
    """The paragraphs of the help; those that are not to be filled, as they stand."""
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from (".PP", ".nf", *map(_text, paragraph.removeprefix("\b\n").splitlines()), ".fi")
        else:
            yield from (".PP", _text(" ".join(paragraph.split())))


def _others(command: click.Command, context: click.Context, title: str) -> list[str]:
    """The commands of a group; of another command, the one that it belongs to."""
    if isinstance(command, click.Group):
        return [f"{title}-{name}" for name in command.list_commands(context)]
    assert context.parent is not None
    return [context.parent.command_path.replace(" ", "-")]


def _text(text: str) -> str:
    """Text in which nothing is an instruction to the formatter."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file, page in pages().items():
        (folder / file).write_text(page, "utf-8")
