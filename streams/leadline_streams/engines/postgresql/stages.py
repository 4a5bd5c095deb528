"""Stages in which the WAL of a streaming link waits: before the network, before the disk, before replay."""

from dataclasses import dataclass
from typing import Self

from leadline.model.observation import Sample
from leadline.model.replication import Positions
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.judge.diagnosis.context import AffectedLink

SESSION_WAITS = ("IPC/RecoveryConflict", "BufferPin/", "Lock/")
"""Beginnings of wait events of the startup process with which it waits for a session."""


def waits_for_session(positions: Positions) -> bool:
    """Whether replay of what a standby received waits for a session: a snapshot, a lock or a page that one holds."""
    return positions.received_lsn != positions.replayed_lsn and is_session_wait(positions.startup_wait)


def is_session_wait(wait: str | None) -> bool:
    """Whether the startup process waits for a session with this wait event."""
    return wait is not None and wait.startswith(SESSION_WAITS)


def limit_of_queries(sample: Sample | None) -> str:
    """The setting of a standby that says for how long queries may delay replay of what it replays now.

    ``max_standby_archive_delay`` counts for what came from the archive or was on disk before, the other one for what a
    receiver streams (PostgreSQL documentation, section 19.6.3).
    """
    streams = sample is None or sample.upstream is None or sample.upstream.status is not None
    return "max_standby_streaming_delay" if streams else "max_standby_archive_delay"


@dataclass(frozen=True, slots=True)
class Stages:
    """Bytes in each stage, as the sender reports it."""

    transit: int
    """Written on the upstream and not received by the downstream."""
    disk: int
    """Written and not flushed on the downstream."""
    replay: int
    """Flushed and not replayed."""

    @classmethod
    def of(cls, affected: AffectedLink) -> Self | None:
        """The stages of a link. None when its sender does not report them, or the link carries nothing now."""
        row, link = affected.row, affected.link
        if row is None or link.position is None or link.hop_units is None:
            return None
        if row.write_lsn is None or row.flush_lsn is None or row.replay_lsn is None:
            return None
        written, flushed, replayed = parse_lsn(row.write_lsn), parse_lsn(row.flush_lsn), parse_lsn(row.replay_lsn)
        return cls(
            transit=max(0, link.position + link.hop_units - written),
            disk=max(0, written - flushed),
            replay=max(0, flushed - replayed),
        )
