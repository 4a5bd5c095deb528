"""``leadline doctor --rights``: the rights of the agent's role on a server, in a form to send to others."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from leadline.clock import SystemClock
from leadline.errors import ProblemFound, UnreachableError
from leadline.settings.agent import InstanceSettings
from leadline.settings.dsn import address
from leadline.settings.secret import MASK, Secret
from leadline_cli.output import emit, table

if TYPE_CHECKING:
    from leadline_agents.engines.postgresql.rights_report import RightsReport

LOGIN = "leadline"
"""The name of the role in a masked report."""


def show_rights(dsns: Sequence[str], *, mask: bool, form: str) -> None:
    """Print the report of each server. Raises UnreachableError or ProblemFound at the end."""
    logging.getLogger("leadline_agents").setLevel(logging.CRITICAL)  # the report shows it
    names = [f"server {number}" if mask else address(dsn) for number, dsn in enumerate(dsns, 1)]
    reports = asyncio.run(_ask(dsns, names))
    silent = lacking = 0
    for name, found in zip(names, reports, strict=True):
        if isinstance(found, str):
            silent += 1
            reason = found.partition(":")[0] if mask else found
            emit({"kind": "server", "server": name, "error": reason}) if form == "json" else click.echo(
                f"{name}: {reason}"
            )
            continue
        lacking += sum(bool(group.allow) for group in found.groups)
        _print(name, found, mask=mask, form=form)
    if silent:
        raise UnreachableError(f"{silent} of {len(names)} servers did not answer")
    if lacking:
        raise ProblemFound(f"{lacking} groups or fields are not permitted; see above for what would allow them")


async def _ask(dsns: Sequence[str], names: Sequence[str]) -> "list[RightsReport | str]":
    from leadline_agents.engine import CannotRead
    from leadline_agents.engines.postgresql.rights_report import report

    async def one(dsn: str, name: str) -> "RightsReport | str":
        try:
            return await report(InstanceSettings(dsn=Secret(dsn), name=name, cluster="main"), SystemClock())
        except CannotRead as error:
            return str(error)

    return await asyncio.gather(*(one(dsn, name) for dsn, name in zip(dsns, names, strict=True)))


def _print(name: str, found: "RightsReport", *, mask: bool, form: str) -> None:
    login = LOGIN if mask else found.login
    rows = [
        (
            group.name,
            group.result,
            group.code or "-",
            group.needs or "-",
            _masked(group.allow, found.login, mask) or "-",
        )
        for group in found.groups
    ]
    if form == "json":
        emit(
            {
                "kind": "server",
                "server": name,
                "version": found.version,
                "role": found.role,
                "flavour": found.flavour,
                "login": MASK if mask else login,
            }
        )
        for group, result, code, needs, allow in rows:
            fields = {"group": group, "result": result, "code": code, "needs": needs, "allow": allow}
            emit(
                {
                    "kind": "rights",
                    "server": name,
                    **{key: None if value == "-" else value for key, value in fields.items()},
                }
            )
        return
    service = f", {found.flavour}" if found.flavour else ""
    click.echo(f"{name}: PostgreSQL {found.version}, {found.role}{service}, role {MASK if mask else login}")
    table(("group", "result", "code", "needs", "allowed by"), rows)
    click.echo()


def _masked(statement: str, login: str, mask: bool) -> str:
    return statement.replace(f" TO {login};", f" TO {LOGIN};") if mask else statement
