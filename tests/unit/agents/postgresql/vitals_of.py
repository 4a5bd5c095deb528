"""The answer of ``vitals-13.sql`` for a server of which a look shows this: its SQL in Python."""

from datetime import timedelta

from msgspec.structs import asdict

from leadline.model.replication import Slot
from leadline_agents.engines.postgresql.answers import LookAnswer
from leadline_agents.engines.postgresql.vital_answers import (
    ArchiverNumbers,
    Decoded,
    Failures,
    Process,
    ReceiverRow,
    Sender,
    Sessions,
    SlotNumbers,
    SlotRow,
    Subscribed,
    Subscriber,
    VitalsAnswer,
    WorkerRow,
)

COPY_PID = 99_001


def vitals_of(look: LookAnswer) -> VitalsAnswer:
    """The vitals."""
    at, positions, archiver = look.node.at, look.positions, look.archiver
    return VitalsAnswer(
        at=at,
        in_recovery=look.node.in_recovery,
        settings_loaded_at=look.node.settings_loaded_at,
        current_lsn=positions.current_lsn,
        received_lsn=positions.received_lsn,
        replayed_lsn=positions.replayed_lsn,
        last_replay_at=positions.last_replay_at,
        replay_paused=positions.replay_paused,
        redo_lsn=positions.redo_lsn,
        senders=tuple(Sender(**_some(row, Sender)) for row in look.downstreams),
        receiver=ReceiverRow(**_some(look.upstream, ReceiverRow)) if look.upstream is not None else None,
        slots=tuple(_slot(look, slot) for slot in look.slots),
        sessions=_sessions(look),
        prepared=look.activity.prepared_transactions if look.activity is not None else 0,
        archiver=ArchiverNumbers(**_some(archiver, ArchiverNumbers)) if archiver is not None else None,
        publications=look.publications,
        conflicts=sum(sum(row.kinds.values()) for row in look.conflicts),
        subscribed=tuple(Subscribed(**_some(row, Subscribed)) for row in look.subscriptions),
        subscriber=_subscriber(look) if look.subscriptions else None,
    )


def _some(row: object, kind: type) -> dict[str, object]:
    return {field: getattr(row, field) for field in kind.__struct_fields__}  # type: ignore[attr-defined]


def _slot(look: LookAnswer, slot: Slot) -> SlotNumbers:
    given = asdict(slot)
    row = SlotRow(
        slot_name=slot.name,
        confirmed_flush_lsn=slot.confirmed_lsn,
        safe_wal_size=slot.safe_wal_bytes,
        inactive_since=look.node.at - timedelta(seconds=slot.inactive_s) if slot.inactive_s is not None else None,
        **{field: value for field, value in given.items() if field in SlotRow.__struct_fields__},
    )
    return SlotNumbers(row, slot.xmin_age, slot.catalog_xmin_age, Decoded(**_some(slot, Decoded)))


def _sessions(look: LookAnswer) -> Sessions:
    activity = look.activity
    assert activity is not None
    processes = [Process(row.pid, row.wait, row.xmin_age, None) for row in look.downstreams]
    processes += [Process(row.pid, row.wait, None, row.transaction_s) for row in look.subscriptions if row.pid]
    waits = [*activity.waiting_senders, *(row for row in look.subscriptions if row.blocked_by)]
    return Sessions(
        clients=0 if look.alone else 1,
        old=len(activity.oldest),
        locked=len(waits) + bool(activity.blockers),
        sync_waiters=activity.sync_waiters,
        wanted=int(look.wanted),
        startup_wait=look.positions.startup_wait,
        processes=tuple(processes) or None,
    )


def _subscriber(look: LookAnswer) -> Subscriber:
    rows, tables = look.subscriptions, dict[str, int]()
    workers = [WorkerRow(row.pid, True, *_worker(row)) for row in rows if row.pid is not None]
    extra = len(look.copies) + sum(row.workers > 1 for row in rows)
    workers += [WorkerRow(COPY_PID + number, False, None, None, None, None) for number in range(extra)]
    for row in rows:
        for state, number in row.tables.items():
            tables[state] = tables.get(state, 0) + number
    failures = [
        Failures(row.oid, row.apply_errors, row.sync_errors or 0, sum(row.conflicts.values()))
        for row in rows
        if row.oid is not None and row.apply_errors is not None
    ]
    return Subscriber(workers=tuple(workers), failures=tuple(failures), tables=tables)


def _worker(row: object) -> tuple[object, ...]:
    fields = ("received_lsn", "latest_end_lsn", "message_age_s", "clock_ahead_s")
    return tuple(getattr(row, field) for field in fields)
