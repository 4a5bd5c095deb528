"""Causes about slots and what they retain."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, LATE, CauseEntry

ENTRIES = (
    CauseEntry(
        code="failover_slot_gate",
        family="slots",
        help="the sender waits for WaitForStandbyConfirmation; a slot of synchronized_standby_slots is not active",
        explains=CUT,
        improvements=(
            "Alert on the standbys that synchronized_standby_slots names: logical subscribers wait for them.",
        ),
        tasks=("Bring the standby's slot back, or take it out of synchronized_standby_slots.",),
    ),
    CauseEntry(
        code="large_transaction_decoding",
        family="slots",
        help="a link is late, its slot keeps much log, and spill_bytes or stream_bytes rose since it does",
        explains=LATE,
        improvements=("Write in bounded batches where tables are published.",),
        tasks=(
            ("Set streaming = parallel on the subscription (PostgreSQL 16 and later), or raise the decoding memory."),
        ),
    ),
    CauseEntry(
        code="orphan_prepared_transaction",
        family="slots",
        help=(
            "a logical slot's confirmed position moves, its restart position does not, and a prepared transaction"
            " is old"
        ),
        explains=frozenset({"slot_retention_forecast"}),
        improvements=(
            (
                "Alert on prepared transactions that are older than a few minutes, or set "
                "max_prepared_transactions to 0."
            ),
        ),
        tasks=("Find out which transaction manager lost the transaction, and why.",),
    ),
    CauseEntry(
        code="slot_abandoned",
        family="slots",
        help="an inactive slot keeps log, and no watched server uses it",
        explains=frozenset({"slot_inactive", "slot_retention_forecast"}),
        improvements=(
            habits.SLOTS,
            "Let whoever retires a consumer drop its slot in the same change.",
        ),
        tasks=("Drop the slot, after asking whose it was.",),
    ),
    CauseEntry(
        code="slot_consumer_stuck",
        family="slots",
        help="a slot is active and its log grows, or its consumer has stopped replying",
        explains=CUT,
        improvements=(
            habits.SLOTS,
            "Monitor the consumer by what it confirms, not by whether it is connected.",
        ),
        tasks=("Find out from the consumer's log what it waited for.",),
    ),
    CauseEntry(
        code="slot_in_use_elsewhere",
        family="slots",
        help="a standby has no receiver while its slot is active for another consumer",
        explains=CUT,
        improvements=("Name slots after the server that uses them, and make the name part of its configuration.",),
        tasks=("Give each standby a slot of its own.",),
    ),
    CauseEntry(
        code="slot_invalidated",
        family="slots",
        help="wal_status is lost, or an invalidation reason is given",
        explains=CUT,
        improvements=(
            ("Size max_slot_wal_keep_size and idle_replication_slot_timeout for the longest outage to be survived."),
        ),
        tasks=(
            "Rebuild the consumer that lost its slot, and say here how long it was without.",
            habits.DISK,
        ),
    ),
    CauseEntry(
        code="slot_missing",
        family="slots",
        help="a disconnected standby's primary_slot_name is not among its upstream's slots",
        explains=CUT,
        improvements=("Make a standby's slot part of what creates the standby and of every failover.",),
        tasks=("Make the slot on the upstream, on whichever server may become one as well.",),
    ),
    CauseEntry(
        code="vacuum_held_by_feedback",
        family="slots",
        help="the oldest snapshot of a server that takes writes belongs to a standby's feedback or to a slot",
        explains=frozenset({"horizon_held"}),
        improvements=("Keep long reports on a standby without hot_standby_feedback, or bound how long they may run.",),
        tasks=("Find the query or the consumer that held the snapshot, and bound it.",),
    ),
    CauseEntry(
        code="vacuum_held_by_transaction",
        family="slots",
        help="the oldest snapshot of a server that takes writes belongs to a session on it",
        explains=frozenset({"horizon_held"}),
        improvements=("Set idle_in_transaction_session_timeout, and bound how long a transaction may run.",),
        tasks=("Find the application that left the transaction open, and have it end its transactions.",),
    ),
)
