"""The look of an audit at one server: one session, one small statement per group, nothing that changes anything.

A group that the server refuses is not read, and the look has the reason with the statement that would allow it; the
others are read all the same.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from leadline.clock import Clock
from leadline.model import Time, Value
from leadline.model.audit_look import (
    AuditedDatabase,
    AuditedExtension,
    AuditedOrigin,
    AuditedRole,
    AuditedSender,
    AuditedSetting,
    AuditedSubscription,
    AuditLook,
    HbaLine,
)
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import Tables
from leadline.settings.agent import InstanceSettings
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import catalog, connect_errors
from leadline_agents.engines.postgresql.connection import Connection
from leadline_agents.engines.postgresql.masking import SECRET, show_setting
from leadline_agents.engines.postgresql.session import open_session

TIMEOUT_S: Final = 5.0
"""For each statement, on the server."""
NO_RIGHT: Final = "42501"
GROUPS: Final[dict[str, tuple[str, Any]]] = {
    "hba": (catalog.AUDIT_HBA, tuple[HbaLine, ...]),
    "file_errors": (catalog.AUDIT_FILES, tuple[str, ...]),
    "roles": (catalog.AUDIT_ROLES, tuple[AuditedRole, ...]),
    "senders": (catalog.AUDIT_SENDERS, tuple[AuditedSender, ...]),
    "databases": (catalog.AUDIT_DATABASES, tuple[AuditedDatabase, ...]),
    "extensions": (catalog.AUDIT_EXTENSIONS, tuple[AuditedExtension, ...]),
    "subscriptions": (catalog.AUDIT_SUBSCRIPTIONS, tuple[AuditedSubscription, ...]),
    "origins": (catalog.AUDIT_ORIGINS, tuple[AuditedOrigin, ...]),
    "unlogged": (catalog.AUDIT_UNLOGGED, tuple[str, ...]),
    "tables": (catalog.TABLES, Tables),
}
"""The query and the shape of each group but the settings."""
_GRANTS: Final = {
    "hba": ("pg_hba_file_rules", "pg_hba_file_rules()"),
    "file_errors": ("pg_file_settings", "pg_show_all_file_settings()"),
}
"""The view and the function that a role needs beside ``pg_monitor``."""
T = TypeVar("T")


class _Settings(Value, frozen=True, kw_only=True):
    """``queries/auditsettings-*.sql``."""

    at: Time
    settings: dict[str, AuditedSetting]


async def audit_look(instance: InstanceSettings, clock: Clock, *, connect_timeout_s: float = 5.0) -> AuditLook:
    """Read one server. Raises CannotRead with the reason when it cannot be read at all."""
    dsn = instance.dsn.reveal()
    connection, rights = await open_session(
        dsn, application_name="leadline", connect_timeout_s=connect_timeout_s, statement_timeout_s=TIMEOUT_S
    )
    async with connection:
        return await _read(connection, instance, clock, dsn, hidden=not rights.may_read_settings)


async def _read(
    connection: Connection, instance: InstanceSettings, clock: Clock, dsn: str, *, hidden: bool
) -> AuditLook:
    began, asked_at = clock.monotonic(), clock.now()
    try:
        answer: _Settings = _decode(await _ask(connection, catalog.AUDIT_SETTINGS), _Settings)
        round_trip_s = clock.monotonic() - began
        login, superuser = await _login(connection)
    except psycopg.Error as error:
        raise connect_errors.cannot_read(error, dsn) from None
    found: dict[str, Any] = {}
    unseen: dict[str, str] = {}
    for group, (query, kind) in GROUPS.items():
        try:
            found[group] = _decode(await _ask(connection, query), kind)
        except psycopg.Error as error:
            if connection.closed:
                raise connect_errors.cannot_read(error, dsn) from None
            unseen[group] = _reason(group, login, error)
        except CannotRead as error:
            unseen[group] = str(error)
    if hidden:
        unseen["settings"] = f"some settings are hidden from {login}; GRANT pg_monitor TO {login} shows them"
    return AuditLook(
        node=NodeName(instance.name),
        cluster=ClusterName(instance.cluster),
        at=answer.at,
        asked_at=asked_at,
        round_trip_s=round(round_trip_s, 6),
        login=login,
        superuser=superuser,
        settings={key: _masked(key, value) for key, value in sorted(answer.settings.items())},
        unseen=unseen,
        **found,
    )


async def _ask(connection: Connection, query: str) -> bytes:
    cursor = await connection.execute(catalog.statement(query, connection.info.server_version))
    row = await cursor.fetchone()
    assert row is not None
    text: str = row[0]
    return text.encode()


async def _login(connection: Connection) -> tuple[str, bool]:
    cursor = await connection.execute("SELECT quote_ident(current_user), current_setting('is_superuser') = 'on'")
    row = await cursor.fetchone()
    assert row is not None
    return str(row[0]), bool(row[1])


def _decode(answer: bytes, kind: Callable[..., T] | Any) -> T:
    try:
        decoded: T = msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise CannotRead(f"unexpected answer: {error}") from None
    return decoded


def _reason(group: str, login: str, error: psycopg.Error) -> str:
    if error.sqlstate == NO_RIGHT and group in _GRANTS:
        view, function = _GRANTS[group]
        allow = f"GRANT SELECT ON {view} TO {login}; GRANT EXECUTE ON FUNCTION {function} TO {login}"
        return f"{login} may not read {view}; to allow it: {allow}"
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"the server refused it: {first}"


def _masked(name: str, setting: AuditedSetting) -> AuditedSetting:
    """Without its secrets; only that there is one is kept."""
    return replace(setting, value=show_setting(name, setting.value), secret=_has_secret(name, setting.value))


def _has_secret(name: str, value: str) -> bool:
    if name != "primary_conninfo" or not value:
        return False
    try:
        return any(SECRET.search(key) for key, text in conninfo_to_dict(value).items() if text)
    except ProgrammingError:
        return False
