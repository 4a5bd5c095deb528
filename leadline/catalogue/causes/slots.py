"""Causes about replication slots and what they retain: WAL, and rows that vacuum may not remove."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import APART, CONFLICTING, CUT, LATE, SLOW, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="failover_slot_gate",
        family="slots",
        help="the sender waits for WaitForStandbyConfirmation; a slot of synchronized_standby_slots is not active",
        over="the sender no longer waits for a failover slot",
        explains=CUT,
        shared=True,
        improvements=(
            Measure(
                "Alert on the standbys that synchronized_standby_slots names, because logical subscribers "
                "wait for them.",
                "PG-LOG-003",
            ),
        ),
        tasks=(
            Measure(
                "Bring the standby of the slot back, or remove the slot from synchronized_standby_slots.", "PG-LOG-003"
            ),
        ),
    ),
    CauseEntry(
        code="large_transaction_decoding",
        family="slots",
        help="a link is late, its slot retains much WAL, and spill_bytes or stream_bytes has risen since then",
        over="the large transaction is decoded",
        explains=LATE,
        shared=True,
        improvements=("Write to published tables in batches of limited size.",),
        tasks=(
            "Set streaming = parallel on the subscription (PostgreSQL 16 and later), or raise the decoding memory.",
        ),
    ),
    CauseEntry(
        code="orphan_prepared_transaction",
        family="slots",
        help=(
            "a logical slot's confirmed position moves, its restart position does not, and a prepared transaction"
            " is old; or it holds the oldest snapshot of a server that takes writes"
        ),
        over="the prepared transaction has ended",
        explains=frozenset({"slot_retention_forecast", "horizon_held"}),
        shared=True,
        improvements=(
            Measure(
                "Alert on prepared transactions that are older than a few minutes, or set "
                "max_prepared_transactions to 0.",
                "PG-DUR-010",
            ),
        ),
        tasks=("Find out which transaction manager lost track of the transaction, and why.",),
    ),
    CauseEntry(
        code="slot_abandoned",
        family="slots",
        help="an inactive slot retains WAL, and no monitored server uses it",
        over="the slot was dropped or is used again",
        explains=frozenset({"slot_idle_timeout", "slot_inactive", "slot_retention_forecast"}),
        follows=APART | SLOW | CONFLICTING,
        shared=True,
        improvements=(
            habits.SLOTS,
            Measure("Drop the slot of a consumer in the same change that retires the consumer.", "PG-WAL-005"),
        ),
        tasks=("Find out whose slot it was, and drop it only when nobody can need it.",),
    ),
    CauseEntry(
        code="slot_consumer_stuck",
        family="slots",
        help=(
            "a slot is active, and its consumer confirms nothing of what it is sent, has stopped replying, or lets the"
            " retained WAL grow"
        ),
        over="the consumer of the slot moves again",
        explains=CUT,
        follows=APART | SLOW | CONFLICTING,
        shared=True,
        improvements=(
            habits.SLOTS,
            "Monitor the consumer by what it confirms, not by whether it is connected.",
        ),
        tasks=("Find out from the messages of the consumer what it waited for.",),
    ),
    CauseEntry(
        code="slot_in_use_elsewhere",
        family="slots",
        help=(
            "a standby or a subscription receives nothing while its slot is active for another consumer, or for the "
            "standby's own connection that was lost"
        ),
        over="the slot is free for its consumer again",
        explains=CUT,
        improvements=(
            Measure(
                "Name each slot after the server that uses it, and make the name part of that server's configuration.",
                "PG-CLU-004",
            ),
        ),
        tasks=(
            Measure(
                "Give each standby and each subscription a slot of its own, copies of a subscriber too.", "PG-CLU-004"
            ),
        ),
    ),
    CauseEntry(
        code="slot_invalidated",
        family="slots",
        help="wal_status is lost, or the slot has an invalidation_reason",
        over="the invalidated slot is gone",
        explains=CUT,
        follows=APART | SLOW | CONFLICTING | {"slot_abandoned", "slot_consumer_stuck"},
        shared=True,
        improvements=(
            Measure(
                "Set max_slot_wal_keep_size and idle_replication_slot_timeout for the longest outage to be survived.",
                "PG-WAL-003",
            ),
        ),
        tasks=(
            "Bring the consumer that lost its slot up to date, and write down here how long it was not replicated.",
            habits.DISK,
        ),
    ),
    CauseEntry(
        code="slot_missing",
        family="slots",
        help="a disconnected standby's primary_slot_name is not among its upstream's slots",
        over="the slot is there again, or is no longer needed",
        explains=CUT,
        shared=True,
        improvements=(
            Measure("Create the slot of a standby with the standby itself, and again at every failover.", "PG-PAR-008"),
        ),
        tasks=(
            Measure("Create the slot on the upstream, and on every server that may become the upstream.", "PG-PAR-008"),
        ),
    ),
    CauseEntry(
        code="slot_sync_misconfigured",
        family="slots",
        help="sync_replication_slots is on on a standby, and a setting is missing or a slot of its own is in the way",
        over="slots are synchronized",
        explains=frozenset({"slot_sync_off"}),
        improvements=(
            Measure(
                "Write dbname into primary_conninfo wherever standbys are made, as pg_basebackup -d does.", "PG-SBY-015"
            ),
        ),
        tasks=(
            Measure(
                "Complete the settings, and see that each failover slot of the primary is there with synced = true.",
                "PG-SBY-015",
            ),
        ),
    ),
    CauseEntry(
        code="vacuum_held_by_feedback",
        family="slots",
        help="the oldest snapshot of a server that takes writes belongs to a standby's feedback or to a slot",
        over="the old snapshot was released",
        explains=frozenset({"horizon_held"}),
        improvements=("Run long reports on a standby without hot_standby_feedback, or limit how long they may run.",),
        tasks=("Find the query or the consumer that held the snapshot, and limit how long it may hold one.",),
    ),
    CauseEntry(
        code="vacuum_held_by_transaction",
        family="slots",
        help="the oldest snapshot of a server that takes writes belongs to a session on it",
        over="the old transaction has ended",
        explains=frozenset({"horizon_held"}),
        improvements=("Set idle_in_transaction_session_timeout, and limit how long a transaction may run.",),
        tasks=("Find the application that left the transaction open, and make it end its transactions.",),
    ),
)
