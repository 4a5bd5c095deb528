"""A report on what a server shows to a role, group by group, with the statement that would allow the rest.

It holds no secret, no query and no data of the server, so that people can send it to us.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leadline.clock import Clock
from leadline.pg_rights import monitor_grant
from leadline.settings.agent import InstanceSettings
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import catalog
from leadline_agents.engines.postgresql.parts import GROUPS, PARTS, Part, used_by
from leadline_agents.engines.postgresql.probe import Probe
from leadline_agents.engines.postgresql.reader import Reader
from leadline_agents.engines.postgresql.rights import Rights

Result = Literal["read", "in part", "not permitted", "not supported"]
TIMEOUT_S = 5.0
STATS = ("downstreams", "upstream", "activity")
"""Groups whose columns are NULL, without an error, for a role that may not read statistics."""


@dataclass(frozen=True, slots=True)
class GroupRights:
    """One group of a sample, or one field of it."""

    name: str
    result: Result
    code: str | None = None
    """The SQLSTATE of the refusal."""
    needs: str = ""
    """The function, the view or the role that is refused."""
    allow: str = ""
    """The statement that would allow it; empty where nothing does."""


@dataclass(frozen=True, slots=True)
class RightsReport:
    """One server."""

    version: str
    role: Literal["primary", "standby"]
    login: str
    flavour: str
    groups: list[GroupRights]


async def report(instance: InstanceSettings, clock: Clock) -> RightsReport:
    """Ask everything once as the agent does. Raises CannotRead with the reason."""
    probe = Probe(instance, clock, timeout_s=TIMEOUT_S, patience_s=2 * TIMEOUT_S, connect_timeout_s=TIMEOUT_S)
    try:
        reader = Reader(probe, clock, instance.name, vitals=False)
        look = await reader.look()
        for query in (catalog.FILES, catalog.SETTINGS):
            if query == catalog.SETTINGS or look.node.may_list_wal:
                try:
                    await reader.ask(query)
                except CannotRead as error:
                    if error.code is None:
                        raise
        rights = await probe.connected()
        found = reader.refusals.found
    finally:
        await probe.close()
    return RightsReport(
        version=rights.version,
        role="standby" if rights.in_recovery else "primary",
        login=look.node.login,
        flavour=rights.flavour,
        groups=sorted(_groups(rights, found, look.node.login), key=lambda group: (group.result == "read", group.name)),
    )


def _groups(rights: Rights, found: dict[str, str], login: str) -> Iterator[GroupRights]:
    statements = (
        catalog.statement(name, rights.version_num) for name in (catalog.FRAME, catalog.FILES, catalog.SETTINGS)
    )
    seen: dict[str, GroupRights] = {}
    monitor = _monitor(rights, login)
    for name in STATS if not rights.may_read_stats else ():
        seen[name] = GroupRights(name, "in part", "42501", "pg_read_all_stats", monitor)
    if not rights.may_read_settings:
        seen["settings"] = GroupRights("settings", "in part", "42501", "pg_read_all_settings", monitor)
    for part in used_by(b" ".join(statements).decode()):
        refused = _refusal(part, rights, found)
        if refused is None:
            continue
        code, result = refused
        for name in part.loses or (part.name,):
            allow = _grant(part, rights, login) if result == "not permitted" else ""
            seen.setdefault(name, GroupRights(name, result, code, part.name, allow))
    for name in GROUPS & found.keys():
        by_right = found[name] == "42501"
        seen[name] = GroupRights(name, "not permitted" if by_right else "not supported", found[name])
    yield from seen.values()
    every = GROUPS | {"node", "positions", "publications", "disk", "settings"}
    yield from (GroupRights(name, "read") for name in every - seen.keys())


def _refusal(part: Part, rights: Rights, found: dict[str, str]) -> tuple[str, Result] | None:
    if part.name in rights.not_permitted:
        return "42501", "not permitted"
    if part.name in rights.not_supported:
        return "42883", "not supported"
    code = found.get(part.name)
    if code is None:
        return None
    return code, "not permitted" if code == "42501" else "not supported"


def _monitor(rights: Rights, login: str) -> str:
    return monitor_grant(login, inherits=rights.inherits, version_num=rights.version_num) + ";"


def _grant(part: Part, rights: Rights, login: str) -> str:
    """The statement that allows a part; ``pg_monitor`` for what that role is for."""
    if part.name in MONITOR and not rights.may_monitor:
        return _monitor(rights, login)
    functions = [name for name in part.functions if name in rights.denied]
    if functions:
        return f"GRANT EXECUTE ON FUNCTION {', '.join(f'pg_catalog.{name}' for name in functions)} TO {login};"
    return f"GRANT SELECT ON pg_catalog.{part.relation or part.name} TO {login};"


MONITOR = frozenset(name for name, part in PARTS.items() if any(each.startswith("pg_ls_") for each in part.functions))
"""Parts that ``pg_monitor`` may use and others may not."""
