"""Archiving, disk and cost of a look."""

from leadline.model import Count, Seconds, Value


class Archiver(Value, frozen=True, kw_only=True):
    """WAL archiving, when ``archive_mode`` is not off."""

    archived: Count = 0
    failed: Count = 0
    last_archived_wal: str | None = None
    last_archived_s: Seconds | None = None
    """Time since the last success."""
    last_failed_wal: str | None = None
    last_failed_s: Seconds | None = None
    ready: Count | None = None
    """Segments that wait to be archived, if they were counted."""


class Disk(Value, frozen=True, kw_only=True):
    """Space on the volume of the WAL, if the agent can read it."""

    wal_bytes: Count | None = None
    wal_files: Count | None = None
    free_bytes: Count | None = None
    total_bytes: Count | None = None


class Cost(Value, frozen=True, kw_only=True):
    """Cost of this look for the server and the agent."""

    statement_ms: float = 0.0
    """Round-trip time of the statement."""
    agent_cpu_s: float = 0.0
    """Processor time of the agent since it started."""
    agent_rss_bytes: Count = 0
    spooled: Count = 0
    """Observations waiting in the spool."""
    dropped: Count = 0
    """Observations that the full spool has dropped since the agent started."""
