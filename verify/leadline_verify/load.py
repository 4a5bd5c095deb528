"""Holds a run back while a server is busy: while more sessions than allowed are in the midst of a statement."""

from typing import Final

from leadline.errors import UsageError
from leadline_agents.engines.postgresql.connection import Connection

_SESSIONS: Final = """
    SELECT count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend'),
        count(*) FILTER (WHERE backend_type IS NULL)
    FROM pg_stat_activity WHERE pid <> pg_backend_pid()
"""


class ServerLoad:
    """The sessions of both servers."""

    def __init__(self, servers: dict[str, Connection], max_active: int | None) -> None:
        """``servers``: by name. ``max_active``: the most active sessions of one server; None for any number."""
        self._servers, self._max_active = servers, max_active

    async def reason(self) -> str:
        """The server that has more active sessions, that of this run not counted; empty for none.

        Raises UsageError when the role may not see the sessions of others.
        """
        if self._max_active is None:
            return ""
        for name, connection in self._servers.items():
            row = await (await connection.execute(_SESSIONS)).fetchone()
            assert row is not None
            active, hidden = row
            if hidden:
                raise UsageError(
                    f"--max-active: the role may not see the sessions of others on {name}: "
                    "GRANT pg_read_all_stats TO it (deploy/sql/verify.sql)"
                )
            if active > self._max_active:
                return f"{name} has {active} active session{'s' * (active != 1)}, and the limit is {self._max_active}"
        return ""
