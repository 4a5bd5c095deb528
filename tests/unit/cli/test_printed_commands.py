"""Every command that a page, a file of deploy/, a help text or a message prints exists, with its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from leadline_cli.main import leadline

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
OTHERS = sorted(
    path
    for folder in ("agents", "cli", "deploy", "lab", "leadline", "sinks", "streams")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".sql", ".sh", ".service", ".yaml") or path.name == "Dockerfile"
)
BLOCK = re.compile(r"^( *)```(?:sh|bash)?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^ *\\b\n *Examples?:\n(.*?)\n *(?:\"\"\"|\n)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:LEADLINE_\w+=\S+ )?leadline [a-z][^`\n]*)`")
COMMENT = re.compile(r"^(?:#|--) {2,}(\S* ?/?[\w/]*leadline [a-z].*)$", re.MULTILINE)
UNIT = re.compile(r"^ExecStart=(\S*/leadline .*)$", re.MULTILINE)
ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&", "#"}


class Printed(NamedTuple):
    """A command line, and whether it is meant to be run as it stands."""

    place: str
    line: str
    whole: bool


def printed() -> Iterator[Printed]:
    for path in PAGES:
        place, text = path.relative_to(ROOT).as_posix(), path.read_text()
        for block in BLOCK.finditer(text):
            yield from (Printed(place, line, True) for line in lines(block[2]))
        yield from (Printed(place, found[1], False) for found in INLINE.finditer(text))
    for path in OTHERS:
        place, text = path.relative_to(ROOT).as_posix(), path.read_text()
        yield from (Printed(place, found[1], False) for found in INLINE.finditer(text))
        if path.suffix == ".py":
            for block in EXAMPLE.finditer(text):
                yield from (Printed(place, line, True) for line in lines(block[1].replace("\\\\\n", "\\\n")))
        else:
            yield from (Printed(place, found[1], True) for found in COMMENT.finditer(text))
            yield from (Printed(place, found[1].replace("%i", "stream"), True) for found in UNIT.finditer(text))


def lines(block: str) -> Iterator[str]:
    """The commands of a block that are ours; those that go on after a backslash in one line."""
    for line in block.replace("\\\n", " ").splitlines():
        if re.match(r"^\s*(?:\$ |sudo )?(?:[A-Z_]+=\S+ )*(?:\S*/)?leadline [a-z-]", line):
            yield line.strip().removeprefix("$ ").removeprefix("sudo ")


def arguments(line: str) -> list[str]:
    """The arguments of a command line, without what a shell does with it."""
    lexer = shlex.shlex(re.sub(r"\{[^{}]*\}", "x", line), posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    words = list(lexer)
    while "=" in words[0]:
        del words[0]
    end = next((at for at, word in enumerate(words) if word in ENDS), len(words))
    return words[1:end]


FOUND = sorted({*printed()})


@pytest.mark.parametrize("one", FOUND, ids=lambda one: f"{one.place}: {one.line[:60]}")
def test_a_printed_command_is_one(one: Printed) -> None:
    """Its names and options exist, and its values are allowed; a mention may lack what must be given."""
    args = arguments(one.line)
    context = leadline.make_context("leadline", args)
    command: click.Command = leadline
    args = [*context._protected_args, *context.args]
    while isinstance(command, click.Group) and args:
        name, found, args = command.resolve_command(context, args)
        assert found is not None
        command = found
        try:
            context = command.make_context(name, args, parent=context)
        except (click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError):
            if one.whole:
                raise
            return
        args = [*context._protected_args, *context.args]
    assert not one.whole or not isinstance(command, click.Group)


def test_they_are_found() -> None:
    """In pages, messages, help texts, files of deploy/, and units."""
    places = {one.place.split("/")[0] for one in FOUND}
    assert {"README.md", "docs", "deploy", "cli", "leadline", "sinks"} <= places
    assert any(one.place.endswith(".service") and one.whole for one in FOUND)
    assert len(FOUND) > 150
