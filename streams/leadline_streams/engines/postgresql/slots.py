"""WAL that slots retain: for whom, and how fast it grows. Forecasts are made from it."""

from collections.abc import Mapping

from leadline.model.activity import Activity, Session
from leadline.model.replication import Downstream, Slot
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import Held, NodeState

HELD_BYTES = 64 * 2**20
"""Four segments of the default size. A slot that retains less, and less than it still may, keeps up."""
SNAPSHOT_S = 15.0
"""A primary writes its running transactions to the WAL this often (LOG_SNAPSHOT_INTERVAL_MS in bgwriter.c). A logical
slot in use then releases WAL up to the start of the oldest of them."""
EARLY_S = 3.0
"""Least time between two readings of a slot that does not release WAL in steps."""
KEPT_BYTES = 1024 * 1024
"""A difference below this is usual: the restart position moves only with the next snapshot."""
SENT_BYTES = 2 * 8192
"""A consumer that is sent less than two pages has nothing to confirm: they may hold no change for it."""


def slot_is_lost(slot: Slot) -> bool:
    """Whether a slot can no longer serve its consumer."""
    return slot.wal_status == "lost" or slot.invalidation_reason is not None or bool(slot.conflicting)


def is_being_created(slot: Slot) -> bool:
    """Whether a logical slot is still being created: its first position is set when it can be read."""
    return slot.kind == "logical" and slot.active and slot.confirmed_lsn is None


def creation_on_standby_s(node: NodeState, slot: Slot) -> float | None:
    """Seconds since the session connected that creates a slot on a standby; None elsewhere.

    There it waits without a lock, for what its primary writes, and the server does not show that it waits.
    """
    if node.sample is None or node.node.role != "standby" or not is_being_created(slot):
        return None
    row = first(node.sample.downstreams, "pid", slot.active_pid)
    return row.connected_s if row is not None else None


def is_physical(slot: Slot) -> bool:
    """Whether a slot serves a standby or ``pg_receivewal``, not a logical consumer."""
    return slot.kind == "physical"


def retains_much(slot: Slot) -> bool:
    """Whether a slot retains so much WAL that its growth matters."""
    retained, left = slot.retained_bytes, slot.safe_wal_bytes
    return retained is not None and (retained > HELD_BYTES or (left is not None and retained > left))


def decoded_bytes(slot: Slot) -> int:
    """Bytes of transactions too large for ``logical_decoding_work_mem``, spilled or streamed since the slot exists."""
    return (slot.spill_bytes or 0) + (slot.stream_bytes or 0)


def sent_unconfirmed(slot: Slot, row: Downstream) -> int:
    """Bytes of WAL up to which the consumer of a logical slot was sent changes, and which it has not confirmed."""
    if slot.confirmed_lsn is None or row.sent_lsn is None:
        return 0
    sent = parse_lsn(row.sent_lsn) - parse_lsn(slot.confirmed_lsn)
    return sent if sent > SENT_BYTES else 0


def retained_for_transactions(slot: Slot) -> int | None:
    """Bytes of WAL that a logical slot retains although its consumer has confirmed them. None unless that is most."""
    if slot.kind != "logical" or slot.restart_lsn is None or slot.confirmed_lsn is None:
        return None
    kept = parse_lsn(slot.confirmed_lsn) - parse_lsn(slot.restart_lsn)
    return None if kept < KEPT_BYTES or 2 * kept < (slot.retained_bytes or 0) else kept


def oldest_writer(activity: Activity) -> Session | None:
    """The oldest session whose transaction has written and began before the last snapshot: slots wait for it."""
    old = [session for session in activity.oldest if session.wrote and session.age_s >= SNAPSHOT_S]
    return max(old, key=lambda session: session.age_s, default=None)


def has_old_prepared(activity: Activity) -> bool:
    """Whether a prepared transaction began before the last snapshot: slots wait for it."""
    return activity.prepared_oldest_s >= SNAPSHOT_S


def releases_in_steps(slot: Slot, activity: Activity | None) -> bool:
    """Whether a slot may release WAL at the next snapshot and none before.

    A physical slot moves with each reply. A slot that is not in use, or waits for an old transaction, does not move.
    """
    if slot.kind != "logical" or not slot.active:
        return False
    waits = activity is not None and (oldest_writer(activity) is not None or has_old_prepared(activity))
    return not waits or retained_for_transactions(slot) is None


def follow(
    held: Mapping[str, Held], before: tuple[Slot, ...], slots: tuple[Slot, ...], activity: Activity | None, now: float
) -> dict[str, Held]:
    """The slots that retain much WAL, by name, each with its trend. ``before``: all slots of the previous sample."""
    retained = {}
    for slot in slots:
        if slot.retained_bytes is not None and retains_much(slot):
            earlier = first(before, "name", slot.name) or slot
            new = Held(now, slot.retained_bytes, decoded=decoded_bytes(earlier))
            trend = retained[slot.name] = held.get(slot.name, new)
            update_trend(trend, now, slot.retained_bytes, releases_in_steps(slot, activity))
    return retained


def update_trend(held: Held, now: float, count: int, in_steps: bool) -> None:
    """Update a slot's trend with the bytes retained now.

    ``in_steps``: WAL may be released at the next snapshot, so the growth is known only after it. Otherwise growth that
    begins is reported early.
    """
    elapsed = now - held.at
    if elapsed >= SNAPSHOT_S:
        held.growth = (count - held.count) / elapsed if elapsed < 4 * SNAPSHOT_S else None
        held.at, held.count, held.early = now, count, False
    elif elapsed >= EARLY_S and not in_steps and (held.early or (held.growth or 0.0) <= 0.0):
        held.growth, held.early = (count - held.count) / elapsed, True
