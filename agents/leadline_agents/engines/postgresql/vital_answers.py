"""The JSON document that ``queries/vitals-*.sql`` returns: rows are arrays, in the order of its columns."""

from datetime import datetime

import msgspec
from msgspec import Struct

from leadline.model import Time, Value
from leadline.model.lsn import Lsn


class Sender(Struct, frozen=True, array_like=True):
    """A WAL sender."""

    pid: int
    state: str | None
    sync_state: str | None
    sync_priority: int | None
    sent_lsn: Lsn | None
    write_lsn: Lsn | None
    flush_lsn: Lsn | None
    replay_lsn: Lsn | None
    write_lag_s: float | None
    flush_lag_s: float | None
    replay_lag_s: float | None
    reply_time: datetime | None


class ReceiverRow(Struct, frozen=True, array_like=True):
    """The WAL receiver."""

    pid: int | None
    status: str | None
    timeline: int | None
    written_lsn: Lsn | None
    flushed_lsn: Lsn | None
    latest_end_lsn: Lsn | None
    last_message_at: Time | None
    clock_ahead_s: float | None


class SlotRow(Value, frozen=True, kw_only=True):
    """A row of ``pg_get_replication_slots()``."""

    slot_name: str
    active_pid: int | None = None
    restart_lsn: Lsn | None = None
    confirmed_flush_lsn: Lsn | None = None
    wal_status: str | None = None
    safe_wal_size: int | None = None
    two_phase: bool | None = None
    conflicting: bool | None = None
    inactive_since: Time | None = None
    invalidation_reason: str | None = None
    failover: bool | None = None
    synced: bool | None = None


class Decoded(Value, frozen=True, kw_only=True):
    """The counters of a slot's decoding."""

    spill_txns: int | None = None
    spill_bytes: int | None = None
    stream_txns: int | None = None
    stream_bytes: int | None = None
    total_txns: int | None = None
    total_bytes: int | None = None


class SlotNumbers(Struct, frozen=True, array_like=True):
    """A slot, and what the function does not return."""

    row: SlotRow
    xmin_age: int | None
    catalog_xmin_age: int | None
    decoded: Decoded | None


class Process(Struct, frozen=True, array_like=True):
    """A sender, or a worker of logical replication."""

    pid: int
    wait: str | None
    xmin_age: int | None
    transaction_s: float | None


class Sessions(Struct, frozen=True, array_like=True):
    """The other sessions of the server, and its own processes."""

    clients: int
    old: int
    """Clients whose transaction is open for more than a second."""
    locked: int
    """Processes of the server that wait for a lock."""
    sync_waiters: int
    wanted: int
    """Clients that rename, drop or copy the database that the agent is connected to."""
    startup_wait: str | None
    processes: tuple[Process, ...] | None


class ArchiverNumbers(Struct, frozen=True, array_like=True):
    """WAL archiving."""

    archived: int
    failed: int
    last_archived_s: float | None
    last_failed_s: float | None


class WorkerRow(Struct, frozen=True, array_like=True):
    """A worker of logical replication."""

    pid: int
    applies: bool
    """It does not copy a table."""
    received_lsn: Lsn | None
    latest_end_lsn: Lsn | None
    message_age_s: float | None
    clock_ahead_s: float | None


class Subscribed(Struct, frozen=True, array_like=True):
    """A subscription."""

    name: str
    enabled: bool
    slot: str | None
    publications: tuple[str, ...]


class Failures(Struct, frozen=True, array_like=True):
    """The failures of a subscription."""

    oid: int
    apply_errors: int
    sync_errors: int
    conflicts: int


class Subscriber(Value, frozen=True, kw_only=True):
    """``queries/subscriber-*.sql``."""

    workers: tuple[WorkerRow, ...] | None = None
    failures: tuple[Failures, ...] | None = None
    tables: dict[str, int] | None = None


class VitalsAnswer(Value, frozen=True, kw_only=True):
    """``queries/vitals-*.sql``."""

    at: Time
    in_recovery: bool
    settings_loaded_at: Time | None = None
    current_lsn: Lsn | None = None
    received_lsn: Lsn | None = None
    replayed_lsn: Lsn | None = None
    last_replay_at: Time | None = None
    replay_paused: bool = False
    redo_lsn: Lsn | None = None
    senders: tuple[Sender, ...] | None = None
    """In any order, as all rows; None without any."""
    receiver: ReceiverRow | None = None
    slots: tuple[SlotNumbers, ...] | None = None
    sessions: Sessions
    prepared: int
    archiver: ArchiverNumbers | None = None
    publications: tuple[str, ...] | None = None
    conflicts: int | None = None
    """Queries cancelled by replay, of all kinds in all databases."""
    subscribed: tuple[Subscribed, ...] | None = None
    subscriber: Subscriber | None = None

    @property
    def senders_by_pid(self) -> list[Sender]:
        """The senders in the order of a look."""
        return sorted(self.senders or (), key=lambda sender: sender.pid)

    @property
    def slots_by_name(self) -> list[SlotNumbers]:
        """The slots in the order of a look: names are sorted by their bytes."""
        return sorted(self.slots or (), key=lambda slot: slot.row.slot_name)


_VITALS: msgspec.json.Decoder[VitalsAnswer] = msgspec.json.Decoder(VitalsAnswer)


def read_vitals(answer: bytes) -> VitalsAnswer:
    """Decode the answer about vitals. Raises msgspec.DecodeError when it has another shape."""
    return _VITALS.decode(answer if answer.isascii() else answer.decode("utf-8", "replace").encode())
