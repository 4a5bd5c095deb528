"""The parts of PostgreSQL's vitals: the numbers of a part of ``Sample``, by the names of its fields.

A position (``_lsn``) is a whole number, counted back from ``PostgresqlVitals.end``; a time (``_at``) likewise, counted
back from ``sent_ms``.
"""

from typing import Annotated

from msgspec import Meta, Struct

from leadline.model import Count, Int64, Seconds
from leadline.model.vitals import MillisecondsBefore

MOST = 2**62
"""Larger positions are sent in whole samples. The difference of two smaller ones is a 64-bit integer."""

Back = Annotated[int, Meta(ge=-MOST, le=MOST, description="bytes before `end`")]
"""A position."""


class PositionVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of ``positions``."""

    current_lsn: Back | None
    received_lsn: Back | None
    replayed_lsn: Back | None
    redo_lsn: Back | None
    last_replay_at: MillisecondsBefore | None


class UpstreamVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of ``upstream``."""

    written_lsn: Back | None
    flushed_lsn: Back | None
    latest_end_lsn: Back | None
    last_message_at: MillisecondsBefore | None
    message_age_s: Seconds | None
    clock_ahead_s: Seconds | None


class DownstreamVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of a row of ``downstreams``."""

    sent_lsn: Back | None
    write_lsn: Back | None
    flush_lsn: Back | None
    replay_lsn: Back | None
    write_lag_s: Seconds | None
    flush_lag_s: Seconds | None
    replay_lag_s: Seconds | None
    reply_age_s: Seconds | None
    connected_s: Seconds | None
    xmin_age: Count | None


class SlotVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of a row of ``slots``."""

    restart_lsn: Back | None
    confirmed_lsn: Back | None
    retained_bytes: Int64 | None
    safe_wal_bytes: Int64 | None
    xmin_age: Count | None
    catalog_xmin_age: Count | None
    inactive_s: Seconds | None


class DecodingVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of a row of ``slots`` whose kind is logical."""

    spill_txns: Count | None
    spill_bytes: Count | None
    stream_txns: Count | None
    stream_bytes: Count | None
    total_txns: Count | None
    total_bytes: Count | None


class SubscriptionVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of a row of ``subscriptions``."""

    received_lsn: Back | None
    latest_end_lsn: Back | None
    message_age_s: Seconds | None
    transaction_s: Seconds | None
    clock_ahead_s: Seconds | None


class ActivityVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of ``activity``."""

    prepared_oldest_s: Seconds
    prepared_age: Count | None


class SessionVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of a session in ``activity.oldest``."""

    age_s: Seconds
    xmin_age: Count | None


class ArchiverVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of ``archiver``."""

    last_archived_s: Seconds | None
    last_failed_s: Seconds | None


class CostVitals(Struct, frozen=True, array_like=True, gc=False):
    """Of ``cost``."""

    statement_ms: float
    agent_cpu_s: float
    agent_rss_bytes: Count
    spooled: Count
    dropped: Count


class WaitEvent(Struct, frozen=True, array_like=True, gc=False):
    """A wait event that is not the base's. On a busy server they are others at each look."""

    place: Count
    """0 for the startup process; 1 for the first row of ``downstreams``, and so on."""
    event: str | None
