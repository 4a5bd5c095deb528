"""Names that people bring along from amtool, promtool, orchestrator or kubectl, and the ones that do the same here."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import click

HERE: Final[Mapping[str, str]] = {
    "ack": "leadline incidents ack INCIDENT",
    "acknowledge": "leadline incidents ack INCIDENT",
    "alert": "leadline query alerts",
    "cluster": "leadline query links",
    "dashboard": "leadline console",
    "delivery": "leadline explain INCIDENT",
    "discover": "leadline check NAME=DSN NAME=DSN",
    "event": "leadline incidents follow",
    "failover": "leadline promote-check STANDBY PRIMARY",
    "graph": "leadline query lag --since 1h",
    "health": "leadline doctor",
    "help": "leadline --help",
    "history": "leadline query lag --since 1h",
    "import": "leadline rules import FILE",
    "lag": "leadline query links",
    "link": "leadline query links",
    "log": "leadline incidents follow",
    "mute": "leadline silence add NAME=PATTERN --for 1h",
    "notification": "leadline explain INCIDENT",
    "page": "leadline incidents list",
    "promote": "leadline promote-check STANDBY PRIMARY",
    "replica": "leadline query nodes",
    "server": "leadline query nodes",
    "setting": "leadline changes",
    "standby": "leadline query nodes",
    "status": "leadline query links",
    "switchover": "leadline switchover-check STANDBY PRIMARY",
    "tail": "leadline incidents follow",
    "top": "leadline watch NAME=DSN NAME=DSN",
    "topology": "leadline query links",
    "ui": "leadline console",
    "web": "leadline console",
    "why": "leadline explain LINK",
}
"""The command to run instead of a name that is no command here; a name stands for its plural, too."""
INNER: Final[Mapping[str, Mapping[str, str]]] = {
    "audits": {"ls": "list", "query": "list"},
    "incidents": {"acknowledge": "ack", "watch": "follow", "tail": "follow", "query": "list", "ls": "list"},
    "nodes": {"delete": "retire", "forget": "retire", "ls": "list", "remove": "retire", "rm": "retire"},
    "rules": {"check": "import", "ls": "list", "show": "list", "query": "list"},
    "silence": {
        "create": "add", "delete": "expire", "end": "expire", "ls": "list", "query": "list", "remove": "expire",
        "rm": "expire", "show": "list", "stop": "expire",
    },
}  # fmt: skip
"""The same within a group of commands, by the name of the group."""
OPTIONS: Final[Mapping[str, str]] = {
    "-d": "--for", "-o": "--format", "--author": "--by", "--duration": "--for", "--end": "--until",
    "--expires": "--for", "--from": "--since", "--json": "--format", "--output": "--format", "--start": "--since",
}  # fmt: skip
"""Options of amtool and kubectl, and what they are called here."""


def instead_of(name: str, names: Sequence[str]) -> str:
    """The command that was probably meant by a name that is none; empty where nothing is like it."""
    word = name.lower()
    for meant in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y"):
        if meant in HERE:
            return f"`{HERE[meant]}`"
    near = get_close_matches(word, names, 1)
    return near[0] if near else ""


def hint(error: click.UsageError, given: Sequence[str]) -> str:
    """The text to type instead of a wrong option, or of the wrong command of a group; empty where nothing is like it.

    ``given``: the arguments after ``leadline``.
    """
    context = error.ctx
    if context is None:
        return ""
    if isinstance(error, click.NoSuchOption):
        return _option(context, error.option_name)
    if isinstance(error, click.MissingParameter):
        missing = error.param
        return f"{missing.opts[0]}: {missing.help}" if isinstance(missing, click.Option) and missing.help else ""
    group, name = context.command, str(context.info_name)
    if context.parent is None or not isinstance(group, click.Group) or name not in given[:-1]:
        return ""
    wrong = given[given.index(name) + 1].lower()
    near = get_close_matches(wrong, group.commands, 1)
    meant = INNER.get(name, {}).get(wrong) or (near[0] if near else "")
    if meant:
        return f"Did you mean `{context.command_path} {meant}`?"
    return f"Its commands are: {', '.join(sorted(group.commands))}."


def _option(context: click.Context, given: str) -> str:
    command = context.command
    meant = OPTIONS.get(given, given)
    if isinstance(command, click.Group):
        takes = sorted((name != "list", name) for name, each in command.commands.items() if _has(each, meant))
        return f"`{context.command_path} {takes[0][1]}` has {_shown(meant)}." if takes else ""
    return f"Did you mean {_shown(meant)}?" if meant != given and _has(command, meant) else ""


def _has(command: click.Command, option: str) -> bool:
    return any(option in each.opts for each in command.params)


def _shown(option: str) -> str:
    return f"{option} json" if option == "--format" else option
