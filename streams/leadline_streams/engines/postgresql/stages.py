"""Where on its way the log of a physical link waits: before the network, before the disk, before replay."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from leadline.model.lsn import parse_lsn

if TYPE_CHECKING:
    from leadline_streams.judge.diagnosis.ranking import LinkCase


@dataclass(frozen=True, slots=True)
class Stages:
    """Bytes in each stage, by what the sender knows."""

    transit: int
    """The upstream has it, the downstream's receiver does not."""
    disk: int
    """Written and not flushed on the downstream."""
    replay: int
    """Flushed and not replayed."""

    @classmethod
    def of(cls, it: "LinkCase") -> Self | None:
        """The stages of a link; None when its sender does not report them, or reports what is no longer so."""
        row, link = it.row, it.link
        if row is None or link.position is None or link.hop_bytes is None:
            return None
        if row.write_lsn is None or row.flush_lsn is None or row.replay_lsn is None:
            return None
        written, flushed, replayed = parse_lsn(row.write_lsn), parse_lsn(row.flush_lsn), parse_lsn(row.replay_lsn)
        return cls(
            transit=max(0, link.position + link.hop_bytes - written),
            disk=max(0, written - flushed),
            replay=max(0, flushed - replayed),
        )
