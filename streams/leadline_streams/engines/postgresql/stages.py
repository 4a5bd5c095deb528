"""Stages in which the WAL of a streaming link waits: before the network, before the disk, before replay."""

from dataclasses import dataclass
from typing import Self

from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.judge.diagnosis.context import AffectedLink


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
