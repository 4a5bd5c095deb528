"""Causes about subscriptions."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, DISABLED, FAILING, LATE, CauseEntry

ENTRIES = (
    CauseEntry(
        code="apply_blocked_by_lock",
        family="logical",
        help="the apply worker waits for a lock; blocked_by names the session",
        explains=CUT,
        improvements=(
            ("Set lock_timeout and idle_in_transaction_session_timeout for everybody who works on the subscriber."),
        ),
        tasks=("Find the job that held the lock on a replicated table, and move it or shorten its transaction.",),
    ),
    CauseEntry(
        code="apply_cannot_keep_up",
        family="logical",
        help="a subscription is late, its worker streams, fails at nothing and waits for nothing but the disk",
        explains=LATE,
        improvements=(
            (
                "Split what is published into several subscriptions, or use streaming = parallel (PostgreSQL 16 "
                "and later)."
            ),
        ),
        tasks=(
            "Give each replicated table on the subscriber the index of its replica identity.",
            "Look for triggers and foreign keys on the subscriber that make applying slow.",
        ),
    ),
    CauseEntry(
        code="apply_workers_exhausted",
        family="logical",
        help="enabled, no worker, no errors, and as many workers or origins in use as the server allows",
        explains=CUT,
        improvements=(
            "Size max_logical_replication_workers and the replication origins from the number of subscriptions.",
        ),
        tasks=("Raise the limit that was reached on the subscriber, with room for table copies, and restart it.",),
    ),
    CauseEntry(
        code="bidirectional_loop",
        family="logical",
        help="two servers subscribe to each other with origin = any, and unique keys collide",
        explains=FAILING,
        improvements=(
            ("Subscribe with origin = none wherever two servers replicate to each other (PostgreSQL 16 and later)."),
        ),
        tasks=(
            "Set origin = none on both subscriptions.",
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="multi_writer_swap",
        family="logical",
        help="update_origin_differs rises on both of two servers that subscribe to each other",
        explains=frozenset({"apply_conflict"}),
        improvements=("Let each row have one server that writes it; two writers of one row need rules for who wins.",),
        tasks=(
            habits.COMPARE,
            "Turn track_commit_timestamp on wherever conflicts have to be seen.",
        ),
    ),
    CauseEntry(
        code="publication_or_slot_dropped",
        family="logical",
        help="the subscription is enabled and the publisher, which answers, lacks its slot or a publication it names",
        explains=FAILING | {"publication_missing"},
        improvements=(
            ("Take the right to drop publications and slots away from everybody but the people who run replication."),
        ),
        tasks=(
            habits.COMPARE,
            "Find out who dropped the publication or the slot, and by which job.",
        ),
    ),
    CauseEntry(
        code="replica_identity_missing",
        family="logical",
        help="published tables that are updated or deleted from have no replica identity",
        explains=frozenset({"identity_missing"}),
        improvements=("Let the pipeline refuse tables without a primary key in databases that are published.",),
        tasks=(
            ("Give each table a key that identifies its rows; take REPLICA IDENTITY FULL back where it was a stopgap."),
        ),
    ),
    CauseEntry(
        code="subscriber_cannot_connect",
        family="logical",
        help="both servers answer, the slot waits, no errors are counted, and no stream reaches the worker",
        explains=CUT,
        improvements=(
            habits.NETWORK,
            "Test every subscription's connection against every server that may become its publisher.",
        ),
        tasks=("Find out what changed between the two servers: address, certificate, password, firewall.",),
    ),
    CauseEntry(
        code="subscriber_duplicate_key",
        family="logical",
        help="apply fails and insert_exists, update_exists or multiple_unique_conflicts rises with each attempt",
        explains=FAILING,
        improvements=(
            habits.WRITES,
            "Take keys on the subscriber from other ranges or sequences than the publisher's.",
        ),
        tasks=(
            habits.COMPARE,
            "Find out where the row with the duplicate key came from.",
        ),
    ),
    CauseEntry(
        code="subscriber_local_writes",
        family="logical",
        help="row conflicts that local writes explain; of several kinds, or beside rows of another origin",
        explains=frozenset({"apply_conflict", "apply_error"}),
        improvements=(
            habits.WRITES,
            "Turn track_commit_timestamp on at subscribers, so that conflicts say whose row it was.",
        ),
        tasks=(
            habits.COMPARE,
            "Find the program that writes to the subscriber, and point it at the publisher.",
        ),
    ),
    CauseEntry(
        code="subscriber_missing_row",
        family="logical",
        help="update_missing or delete_missing rises; apply does not fail",
        explains=frozenset({"apply_conflict"}),
        improvements=(habits.WRITES,),
        tasks=(
            habits.COMPARE,
            "Copy the table anew where many rows are missing.",
        ),
    ),
    CauseEntry(
        code="subscriber_schema_drift",
        family="logical",
        help="apply fails again and again without a row conflict, and tables differ, where agents are told",
        explains=FAILING,
        improvements=(habits.DDL,),
        tasks=(
            "Bring the tables on both sides to the same definition.",
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="subscription_disabled_by_operator",
        family="logical",
        help="enabled is false and no error counter rose as it was disabled",
        explains=DISABLED,
        improvements=("Disable a subscription only with a silence in Leadline that ends by itself.",),
        tasks=("Find out who disabled the subscription and what for.",),
    ),
    CauseEntry(
        code="subscription_disabled_on_error",
        family="logical",
        help="enabled is false, disable_on_error is true and the error counter rose as it was disabled",
        explains=DISABLED,
        improvements=(
            ("Alert on the error counters of subscriptions, so that disable_on_error is not the first that is heard."),
        ),
        tasks=(
            "Mend the error that disabled the subscription; its own cause says more.",
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="table_sync_failing",
        family="logical",
        help="sync_errors rises and tables stay unready",
        explains=frozenset({"table_sync_stuck"}),
        improvements=(habits.DDL,),
        tasks=("Mend what the subscriber's log says of the copy, and see that every table is ready.",),
    ),
)
