"""The rows of a look with the numbers of vitals: what is no number in vitals is compared with the last look. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from leadline.model.host import Archiver
from leadline.model.lsn import parse_lsn
from leadline.model.replication import Positions, Slot, Subscription
from leadline_agents.engines.postgresql.answers import DownstreamAnswer, LookAnswer, UpstreamAnswer
from leadline_agents.engines.postgresql.vital_answers import (
    ArchiverNumbers,
    Process,
    ReceiverRow,
    Sender,
    SlotNumbers,
    Subscriber,
    VitalsAnswer,
    WorkerRow,
)


def positions(last: Positions, seen: VitalsAnswer) -> Positions:
    """The positions of the server."""
    return replace(
        last,
        current_lsn=seen.current_lsn,
        received_lsn=seen.received_lsn,
        replayed_lsn=seen.replayed_lsn,
        last_replay_at=seen.last_replay_at,
        redo_lsn=seen.redo_lsn,
        startup_wait=seen.sessions.startup_wait,
    )


def end(at: Positions) -> int | None:
    """Up to which WAL is kept for a slot; on a standby to the received position: it forwards WAL before replay."""
    ends = [at.current_lsn] if at.current_lsn is not None else [at.received_lsn, at.replayed_lsn]
    return max((parse_lsn(end) for end in ends if end is not None), default=None)


def downstreams(
    last: LookAnswer, seen: VitalsAnswer, processes: Mapping[int, Process]
) -> list[DownstreamAnswer] | None:
    """The senders; None when one is another, or in another state."""
    passed_s = (seen.at - last.node.at).total_seconds()
    # The look leaves out senders of pg_basebackup.
    senders = [sender for sender in seen.senders_by_pid if sender.state != "backup"]
    if [_sender(row) for row in last.downstreams] != [_sender(row) for row in senders]:
        return None
    rows = []
    for row, sender in zip(last.downstreams, senders, strict=True):
        process = processes.get(sender.pid)
        if process is None or row.connected_s is None:
            return None
        rows.append(
            replace(
                row,
                sent_lsn=sender.sent_lsn,
                write_lsn=sender.write_lsn,
                flush_lsn=sender.flush_lsn,
                replay_lsn=sender.replay_lsn,
                write_lag_s=sender.write_lag_s,
                flush_lag_s=sender.flush_lag_s,
                replay_lag_s=sender.replay_lag_s,
                reply_time=sender.reply_time,
                connected_s=row.connected_s + passed_s,
                wait=process.wait,
                xmin_age=process.xmin_age,
            )
        )
    return rows


def _sender(row: DownstreamAnswer | Sender) -> tuple[object, ...]:
    return row.pid, row.state, row.sync_state, row.sync_priority


def upstream(last: UpstreamAnswer | None, seen: ReceiverRow | None, at: datetime) -> UpstreamAnswer | None:
    """The WAL receiver; None when it is another, or in another state."""
    if last is None or seen is None:
        return None
    if (seen.pid, seen.status, seen.timeline) != (last.pid, last.status, last.timeline):
        return None
    return replace(
        last,
        written_lsn=seen.written_lsn,
        flushed_lsn=seen.flushed_lsn,
        latest_end_lsn=seen.latest_end_lsn,
        last_message_at=seen.last_message_at,
        message_age_s=(at - seen.last_message_at).total_seconds() if seen.last_message_at is not None else None,
        clock_ahead_s=seen.clock_ahead_s,
    )


def slots(last: Sequence[Slot], seen: VitalsAnswer, end: int | None) -> tuple[Slot, ...] | None:
    """The slots; None when one is another, or in another state."""
    numbers = seen.slots_by_name
    if len(last) != len(numbers):
        return None
    slots = tuple(_slot(slot, own, seen.at, end) for slot, own in zip(last, numbers, strict=True))
    return tuple(slot for slot in slots if slot is not None) if None not in slots else None


def _slot(slot: Slot, seen: SlotNumbers, at: datetime, end: int | None) -> Slot | None:
    """A slot with its numbers of now; None when it is another, or in another state."""
    row, decoded = seen.row, seen.decoded
    now = replace(
        slot,
        name=row.slot_name,
        active_pid=row.active_pid,
        wal_status=row.wal_status,
        two_phase=row.two_phase,
        conflicting=row.conflicting,
        invalidation_reason=row.invalidation_reason,
        failover=row.failover,
        synced=row.synced,
    )
    if now != slot:
        return None
    if decoded is not None:
        now = replace(now, **{field: getattr(decoded, field) for field in decoded.__struct_fields__})
    kept = end - parse_lsn(row.restart_lsn) if end is not None and row.restart_lsn is not None else None
    return replace(
        now,
        restart_lsn=row.restart_lsn,
        confirmed_lsn=row.confirmed_flush_lsn,
        retained_bytes=kept,
        safe_wal_bytes=row.safe_wal_size,
        xmin_age=seen.xmin_age,
        catalog_xmin_age=seen.catalog_xmin_age,
        inactive_s=(at - row.inactive_since).total_seconds() if row.inactive_since is not None else None,
    )


def archiver(last: Archiver | None, seen: ArchiverNumbers | None) -> Archiver | None:
    """WAL archiving; None when a segment was archived, or failed."""
    if last is None or seen is None or (seen.archived, seen.failed) != (last.archived, last.failed):
        return None
    return replace(last, last_archived_s=seen.last_archived_s, last_failed_s=seen.last_failed_s)


def subscriptions(
    last: Sequence[Subscription], seen: Subscriber | None, processes: Mapping[int, Process]
) -> tuple[Subscription, ...] | None:
    """The subscriptions; None when a worker is another, a counter has moved, or a table changed its state."""
    if not last:
        return () if seen is None else None
    if seen is None or not all(worker.applies for worker in seen.workers or ()):
        return None
    workers = {worker.pid: worker for worker in seen.workers or ()}
    unchanged = _counted(seen) == _counts(last) and (seen.tables or {}) == _tables(last)
    if workers.keys() != {row.pid for row in last} or not unchanged:
        return None
    rows = []
    for row in last:
        assert row.pid is not None
        process = processes.get(row.pid)
        if process is None:
            return None
        rows.append(_subscription(row, workers[row.pid], process))
    return tuple(rows)


def _subscription(row: Subscription, worker: WorkerRow, process: Process) -> Subscription:
    return replace(
        row,
        received_lsn=worker.received_lsn,
        latest_end_lsn=worker.latest_end_lsn,
        message_age_s=worker.message_age_s,
        clock_ahead_s=worker.clock_ahead_s,
        wait=process.wait,
        transaction_s=process.transaction_s,
    )


def _counted(seen: Subscriber) -> dict[int, tuple[int, int, int]]:
    return {each.oid: (each.apply_errors, each.sync_errors, each.conflicts) for each in seen.failures or ()}


def _counts(last: Sequence[Subscription]) -> dict[int, tuple[int, int, int]]:
    return {
        row.oid: (row.apply_errors, row.sync_errors or 0, sum(row.conflicts.values()))
        for row in last
        if row.oid is not None and row.apply_errors is not None
    }


def _tables(last: Sequence[Subscription]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in last:
        for state, number in row.tables.items():
            found[state] = found.get(state, 0) + number
    return found
