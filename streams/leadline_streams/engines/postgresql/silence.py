"""Senders that get no reply."""

from leadline.model.pg_vital_parts import DownstreamVitals
from leadline.model.replication import Downstream
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.timeouts import keepalive_s, replies_on_its_own
from leadline_streams.judge.node_state import NodeState

PAGE_SLACK_BYTES = 2 * 8192
"""An idle primary may leave the tail of its WAL unflushed; a gap below two pages is no gap."""
SILENT_REPLY_S = 5.0
"""A downstream that has work and has not replied for this long does not receive it."""


def unanswered_s(row: Downstream | DownstreamVitals) -> float | None:
    """Time since a downstream last replied, or since it connected where it never has; None where that is not seen."""
    if row.reply_age_s is not None:
        return row.reply_age_s
    never = row.write_lsn is None and row.sent_lsn is not None  # a role without rights sees neither
    return row.connected_s if never else None


def is_dead(up: NodeState, row: Downstream, down: NodeState | None = None) -> bool:
    """Whether a sender has WAL to deliver and gets no reply: the other end hangs, or the network drops packets.

    Only standbys reply to all that they receive. A backup program replies periodically, and when the sender asks for it
    after half of its timeout; a subscriber is judged by its worker.
    """
    silent_s = unanswered_s(row)
    if row.kind == "logical" or silent_s is None or silent_s < SILENT_REPLY_S:
        return False
    if silent_s < keepalive_s(up) and (row.kind == "backup" or not replies_on_its_own(down)):
        return False
    end = up.clock.end
    written = row.write_lsn or row.flush_lsn
    if written is None and row.reply_age_s is None:
        return True  # a standby replies as soon as it streams
    return end is not None and written is not None and end - parse_lsn(written) > PAGE_SLACK_BYTES


def may_wait(up: NodeState, row: Downstream, down: NodeState | None) -> bool:
    """Whether a downstream that never replied may do so only when its sender asks: its own settings are not seen."""
    if row.reply_age_s is not None or (down is not None and down.settings):
        return False
    return (unanswered_s(row) or 0.0) < keepalive_s(up)
