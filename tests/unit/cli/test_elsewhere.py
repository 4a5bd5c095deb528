"""Commands and options that users of other tools type by habit: each leads to the one that does it here."""

import shlex

import click
import pytest

from leadline_cli.elsewhere import HERE, INNER
from leadline_cli.main import COMMANDS, leadline
from tests.fixtures.commands import Run

NAMES = {name for section in COMMANDS.values() for name in section}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("alerts", "there is no command 'alerts'; did you mean `leadline query alerts`?"),
        ("alert query", "there is no command 'alert'; did you mean `leadline query alerts`?"),
        ("lag --since 1h", "there is no command 'lag'; did you mean `leadline query links`?"),
        ("graph", "did you mean `leadline query lag --since 1h`?"),
        ("ack", "did you mean `leadline incidents ack INCIDENT`?"),
        ("why", "did you mean `leadline explain LINK`?"),
        ("standbys", "did you mean `leadline query nodes`?"),
        ("topologies", "did you mean `leadline query links`?"),
        ("import rules.yml", "did you mean `leadline rules import FILE`?"),
        ("silence query", "Did you mean `leadline silence list`?"),
        ("silence lists", "Did you mean `leadline silence list`?"),
        ("silence add cluster=x", "Missing option '--for'.\n--for: Length of the silence: 90m, 12h or 7d."),
        ("silence add cluster=x --duration 1h", "No such option: --duration\nDid you mean --for?"),
        ("nodes xyzzy", "Its commands are: list, retire."),
        ("incidents --since 1h", "`leadline incidents list` has --since."),
        ("incidents list -o json", "Did you mean --format json?"),
        ("query lag --from 1h", "Did you mean --since?"),
    ],
)
def test_a_habit_leads_on(run: Run, typed: str, answer: str) -> None:
    """Wrong use, and a line with what to type instead."""
    result = run(*typed.split())
    assert (result.code, result.out) == (2, "")
    assert answer in result.err


def test_nothing_is_proposed_where_nothing_is_like_it(run: Run) -> None:
    """A guess would be worse than the list of commands, and an option that no command has is none of ours."""
    assert "did you mean" not in run("xyzzy").err
    assert "Did you mean" not in run("check", "--xyzzy").err
    assert "has --xyzzy" not in run("incidents", "--xyzzy").err


@pytest.mark.parametrize("name", sorted(HERE))
def test_what_is_proposed_is_a_command(name: str) -> None:
    """It exists with its options, and no command of ours has the name."""
    assert name not in NAMES
    args = shlex.split(HERE[name])[1:]
    if args == ["--help"]:
        return
    command = leadline.get_command(click.Context(leadline), args[0])
    assert command is not None
    if isinstance(command, click.Group):
        command = command.commands[args[1]]
        args = args[1:]
    command.make_context(args[0], args[1:], resilient_parsing=True)


@pytest.mark.parametrize("group", sorted(INNER))
def test_what_is_proposed_within_a_group_is_there(group: str) -> None:
    """The proposed command exists, the foreign one does not."""
    command = leadline.get_command(click.Context(leadline), group)
    assert isinstance(command, click.Group)
    assert set(INNER[group].values()) <= set(command.commands)
    assert not set(INNER[group]) & set(command.commands)
