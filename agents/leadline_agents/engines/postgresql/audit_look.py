"""The look of an audit at one server: one session, one small statement per group, nothing that changes anything.

A group that the server refuses is not read, and the look has the reason with the statement that would allow it; the
others are read all the same.
"""

from collections.abc import Awaitable, Callable
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
from leadline.model.tables import Tables
from leadline.pg_rights import monitor_grant
from leadline.redaction.redact import redact
from leadline.settings.agent import InstanceSettings
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import catalog, connect_errors
from leadline_agents.engines.postgresql.masking import SECRET, show_setting
from leadline_agents.engines.postgresql.refusals import NO_RIGHT
from leadline_agents.engines.postgresql.rights import Rights
from leadline_agents.engines.postgresql.session import open_session

TIMEOUT_S: Final = 5.0
"""For each statement, on the server."""
_OVER: Final = ("08", "28", "53", "57P")
"""Classes of SQLSTATE after which nothing more is asked: of the connection, the login and the state of the server."""
LOGIN: Final = (
    "SELECT json_build_object('login', quote_ident(current_user), "
    "'superuser', current_setting('is_superuser') = 'on')::text"
)
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


class _Login(Value, frozen=True, kw_only=True):
    """``LOGIN``."""

    login: str
    superuser: bool


Ask = Callable[[str], Awaitable[bytes]]
"""Sends one statement, and returns the first value of its first row. Raises CannotRead with the server's code."""


async def audit_look(instance: InstanceSettings, clock: Clock, *, connect_timeout_s: float = 5.0) -> AuditLook:
    """Read one server over a session of its own. Raises CannotRead with the reason when it cannot be read at all."""
    dsn = instance.dsn.reveal()
    connection, rights = await open_session(
        dsn, application_name="leadline", connect_timeout_s=connect_timeout_s, statement_timeout_s=TIMEOUT_S
    )

    async def ask(text: str) -> bytes:
        try:
            cursor = await connection.execute(text)
            row = await cursor.fetchone()
        except psycopg.Error as error:
            raise connect_errors.cannot_read(error, dsn) from None
        assert row is not None
        return str(row[0]).encode()

    async with connection:
        return await read_audit(ask, instance, clock, rights)


async def read_audit(ask: Ask, instance: InstanceSettings, clock: Clock, rights: Rights) -> AuditLook:
    """The look, one statement after the other.

    A group that the server refuses, or does not give in time, is not read, with the reason. Raises CannotRead when
    nothing can be read.
    """

    async def asked(query: str) -> bytes:
        return await ask(catalog.statement(query, rights.version_num).decode())

    began, asked_at = clock.monotonic(), clock.now()
    read = await asked(catalog.AUDIT_SETTINGS)
    round_trip_s = clock.monotonic() - began
    try:
        answer, who = _decode(read, _Settings), _decode(await ask(LOGIN), _Login)
    except msgspec.DecodeError as error:
        raise CannotRead(f"unexpected answer: {error}") from None
    found: dict[str, Any] = {}
    unseen: dict[str, str] = {}
    for group, (query, kind) in GROUPS.items():
        try:
            found[group] = _decode(await asked(query), kind)
        except CannotRead as error:
            if error.code is None or error.code.startswith(_OVER):
                raise
            unseen[group] = _reason(group, who.login, error)
        except msgspec.DecodeError as error:
            unseen[group] = f"unexpected answer: {error}"
    if not rights.may_read_settings:
        grant = monitor_grant(who.login, inherits=rights.inherits, version_num=rights.version_num)
        unseen["settings"] = f"some settings are hidden from {who.login}; {grant} shows them"
    return AuditLook(
        node=NodeName(instance.name),
        cluster=ClusterName(instance.cluster),
        at=answer.at,
        asked_at=asked_at,
        round_trip_s=round(round_trip_s, 6),
        login=who.login,
        superuser=who.superuser,
        settings={key: _masked(key, value) for key, value in sorted(answer.settings.items())},
        unseen=unseen,
        **found,
    )


def _decode(answer: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(answer, type=kind)


def _reason(group: str, login: str, error: CannotRead) -> str:
    if error.code == NO_RIGHT and group in _GRANTS:
        view, function = _GRANTS[group]
        allow = f"GRANT SELECT ON {view} TO {login}; GRANT EXECUTE ON FUNCTION {function} TO {login}"
        return f"{login} may not read {view}; to allow it: {allow}"
    return f"the server refused it: {redact(str(error))}"


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
