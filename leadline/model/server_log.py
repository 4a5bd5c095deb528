"""The end of a server log."""

from leadline.model import Count, Time, Value
from leadline.model.lsn import Lsn


class LogLine(Value, frozen=True, kw_only=True):
    """A message of the server log about replication. The same message at other times is counted."""

    at: Time | None = None
    """Time of the newest one; None when the form of the server log does not show it."""
    process: str = ""
    """Type of the process that wrote it; empty when the form of the server log does not show it."""
    code: str = ""
    """Its SQLSTATE; ``00000`` when it is no error, empty when it is not known."""
    message: str = ""
    """Its first line without data, by the agent's setting ``query_text``, in the language of the server."""
    relation: str | None = None
    """The table to which a change of logical replication was applied."""
    lsn: Lsn | None = None
    """End of the remote transaction of that change."""
    times: Count = 1
    """Number of the same messages in what was read."""


class ServerLog(Value, frozen=True, kw_only=True):
    """The end of the server log, read while something about replication is wrong."""

    path: str = ""
    """The current file; empty when the server does not report it."""
    read: bool = False
    """Whether the agent may read it."""
    lines: tuple[LogLine, ...] = ()
    """The newest messages about replication, oldest first."""
