"""The servers of ``check`` and ``watch``: ``NAME=DSN`` or DSN on the command line, or the file of an agent."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from psycopg import pq

from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.dsn import FORM, address, misspelt, parts
from leadline.settings.load import load
from leadline.settings.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])

EXPOSED: Final = (
    "leadline: everybody on this machine can read the password in the list of processes: put it into a password file "
    "(PGPASSFILE), the server into a service file (service=NAME), or the servers into a file (--servers)"
)

_UNREADABLE: Final = "/nonexistent/pgpass"

servers_argument: Callable[[F], F] = click.argument("dsns", metavar="[NAME=]DSN...", nargs=-1)
servers_option: Callable[[F], F] = click.option(
    "--servers",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the servers from the settings file of an agent instead.",
)


@dataclass(frozen=True, slots=True)
class Given:
    """One server of the command line."""

    name: str | None
    dsn: str


def servers(given: Sequence[str], file: Path | None, cluster: str, *, ask: bool = True) -> list[InstanceSettings]:
    """The servers to read, each with its name.

    One without a name is named by its ``cluster_name``, or by the application_name under which it replicates, where no
    other server has the same; else, and without ``ask``, by its address. Connects only to ask. Raises UsageError.
    """
    if file is not None:
        if given:
            raise UsageError("give connection strings or --servers, not both")
        _report_ignored_passwords()
        return load(AgentSettings, file, os.environ).settings.instances
    if not given:
        raise UsageError(f"give at least one server, as {FORM}, with a name before it if you like: pg-1=postgresql://…")
    read = [_nth(number, text, len(given)) for number, text in enumerate(given, 1)]
    _report_ignored_passwords()
    names = _named(read, asyncio.run(_ask(read)) if ask else [()] * len(read))
    return [InstanceSettings(dsn=Secret(each.dsn), name=names[at], cluster=cluster) for at, each in enumerate(read)]


def _nth(number: int, text: str, count: int) -> Given:
    """``parse``, whose error says which of several it is about: it quotes none of them."""
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"server {number} of {count}: {error}" if count > 1 else str(error)) from None


def parse(text: str) -> Given:
    """``NAME=DSN``, or a connection string alone. Raises UsageError when it is neither.

    A name is no keyword of connection strings: ``host=pg-1`` is a server without a name.
    """
    name, equals, rest = text.partition("=")
    if equals and name.strip() and not _is_keyword(name) and "://" not in name:
        try:
            parts(rest)
        except UsageError:
            if misspelt(text):
                parts(text)
            raise
        return Given(name.strip()[:255], rest)
    parts(text)
    return Given(None, text)


def addresses(dsns: Sequence[str]) -> list[str]:
    """The address of each server. Raises UsageError when two are the same or one is no connection string."""
    found = [address(dsn) for dsn in dsns]
    for each, count in Counter(found).items():
        if count > 1:
            raise UsageError(f"{each} is given twice; give each server once")
    return found


def exposes(given: Sequence[str]) -> bool:
    """Whether a password is on the command line."""
    return any("password" in parts(parse(text).dsn) for text in given)


def _report_ignored_passwords() -> None:
    """Say once that libpq ignores the password file, which it would write at each connection."""
    file = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    with suppress(OSError):
        if file.is_file() and file.stat().st_mode & 0o077:
            os.environ["PGPASSFILE"] = _UNREADABLE
            text = f"the password file {file} is ignored, since others may read it: chmod 600 {file}"
            click.echo(escape(f"leadline: {text}"), err=True)


def _is_keyword(name: str) -> bool:
    return name.strip() in {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


async def _ask(given: Sequence[Given]) -> list[tuple[str, ...]]:
    """The names that each server without one has for itself."""
    from leadline_agents.engines.postgresql.own_names import own_names

    async def one(each: Given) -> tuple[str, ...]:
        return await own_names(each.dsn, "leadline") if each.name is None else ()

    return await asyncio.gather(*map(one, given))


def _named(given: Sequence[Given], own: Sequence[Sequence[str]]) -> list[str]:
    """A name for each server, no two the same."""
    where = addresses([each.dsn for each in given])
    taken = Counter(each.name for each in given if each.name is not None)
    for name, count in taken.items():
        if count > 1:
            raise UsageError(f"two servers are named {name}; give each another name")
    claimed = Counter(name for names in own for name in set(names))
    return [
        each.name or next((name for name in own[at] if claimed[name] == 1 and name not in taken), where[at])
        for at, each in enumerate(given)
    ]
