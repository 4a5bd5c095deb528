"""The names that a server has for itself, for commands whose user has given none."""

import msgspec
import psycopg
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from leadline.errors import LeadlineError
from leadline.model import Value
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql.catalog import NAMES, statement
from leadline_agents.engines.postgresql.session import open_session

TIMEOUT_S = 2.0
"""The server is read anyway afterwards, and that says why it does not answer."""


class _Answer(Value, frozen=True, kw_only=True):
    """``queries/names-*.sql``."""

    cluster_name: str
    conninfo: str | None = None


async def own_names(dsn: str, application_name: str) -> tuple[str, ...]:
    """``cluster_name``, then the application_name under which a standby replicates; none of a server that is silent."""
    try:
        connection, _ = await open_session(
            dsn, application_name=application_name, connect_timeout_s=TIMEOUT_S, statement_timeout_s=TIMEOUT_S
        )
        async with connection:
            row = await (await connection.execute(statement(NAMES, connection.info.server_version))).fetchone()
    except (CannotRead, LeadlineError, psycopg.Error, OSError):
        return ()
    assert row is not None
    answer = msgspec.json.decode(row[0], type=_Answer)
    try:
        configured = conninfo_to_dict(answer.conninfo or "")
    except ProgrammingError:
        configured = {}
    return tuple(name for name in (answer.cluster_name, str(configured.get("application_name") or "")) if name)
