"""Causes about changes that a subscription applies."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CONFLICTING, CUT, FAILING, LATE, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="apply_blocked_by_lock",
        family="logical",
        help="the apply worker waits for a lock, or fails by lock_timeout; blocked_by is the session that holds it",
        over="apply no longer waits for the lock",
        explains=FAILING | {"table_sync_waiting"},
        improvements=(
            "Set lock_timeout and idle_in_transaction_session_timeout for the roles of applications on the subscriber, "
            "and not for the database or the owner of the subscription, whose worker they would end.",
        ),
        tasks=("Find the job that held the lock on a replicated table, and move it or shorten its transaction.",),
    ),
    CauseEntry(
        code="apply_cannot_keep_up",
        family="logical",
        help="a subscription is late; its worker streams, does not fail, and waits for nothing but the disk",
        over="apply has caught up",
        explains=LATE,
        shared=True,
        improvements=(
            "Split what is published into several subscriptions, or use streaming = parallel (PostgreSQL 16 "
            "and later).",
        ),
        tasks=(
            Measure(
                "Create the index of the replica identity for each replicated table on the subscriber.", "PG-LOG-008"
            ),
            "Look for triggers and foreign keys on the subscriber that slow applying down.",
        ),
    ),
    CauseEntry(
        code="apply_refused",
        family="logical",
        help="the worker fails without a conflict of rows, and the server log gives a reason that is in no counter",
        over="apply no longer fails",
        explains=FAILING,
        follows=CONFLICTING,
        improvements=("Apply migrations of schema, rights and triggers to subscribers before publishers.",),
        tasks=("Find out which right, constraint, trigger or partition differs on the subscriber, and since when.",),
    ),
    CauseEntry(
        code="apply_workers_exhausted",
        family="logical",
        help="a subscription is enabled and has no worker and no errors; the server allows no more workers or origins",
        over="the subscription has a worker again",
        explains=CUT | {"subscription_without_worker"},
        shared=True,
        improvements=(
            Measure(
                "Set max_logical_replication_workers and the limit of replication origins by the number of "
                "subscriptions.",
                "PG-LOG-005",
                "PG-LOG-006",
            ),
        ),
        tasks=(
            Measure(
                "Raise the limit that was reached on the subscriber, with room for table copies, and restart it.",
                "PG-LOG-005",
                "PG-LOG-006",
            ),
        ),
    ),
    CauseEntry(
        code="bidirectional_loop",
        family="logical",
        help="two servers subscribe to the same tables of each other, and one takes changes of any origin",
        over="no change comes back to the server on which it was made",
        explains=FAILING | {"changes_come_back", "data_divergence"},
        follows=CONFLICTING,
        shared=True,
        improvements=(
            Measure(
                "Subscribe with origin = none wherever two servers replicate to each other (PostgreSQL 16 and later).",
                "PG-CLU-007",
            ),
        ),
        tasks=(
            Measure("Set origin = none on both subscriptions.", "PG-CLU-007"),
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="multi_writer_swap",
        family="logical",
        help="two servers subscribe to each other, and update_origin_differs or delete_origin_differs rises on both",
        over="no more rows of another origin were overwritten; those that were may differ",
        explains=frozenset({"data_divergence", "apply_conflict"}),
        follows=CONFLICTING,
        shared=True,
        improvements=(
            "Let one server write each row; two writers of one row need rules that resolve their conflicts.",
        ),
        tasks=(
            habits.COMPARE,
            Measure("Set track_commit_timestamp to on where conflicts have to be detected.", "PG-LOG-010"),
        ),
    ),
    CauseEntry(
        code="origins_not_recorded",
        family="logical",
        help="two servers subscribe to each other, and track_commit_timestamp is off on one of them",
        over="both servers record the origin of rows",
        explains=frozenset({"conflict_blindness"}),
        improvements=(
            Measure("Set track_commit_timestamp to on wherever two servers subscribe to each other.", "PG-LOG-010"),
        ),
        tasks=(habits.COMPARE,),
    ),
    CauseEntry(
        code="replica_identity_missing",
        family="logical",
        help="published tables have no replica identity, or a filter, a column list or a column that does not fit",
        over="the published tables can be identified",
        explains=frozenset({"identity_missing"}),
        improvements=(
            Measure(
                "Let the release pipeline refuse tables without a primary key in published databases.", "PG-LOG-001"
            ),
        ),
        tasks=(
            (
                Measure(
                    "Give each table a key that identifies its rows; undo REPLICA IDENTITY FULL where it was a "
                    "stopgap.",
                    "PG-LOG-001",
                    "PG-LOG-008",
                )
            ),
        ),
    ),
    CauseEntry(
        code="subscriber_duplicate_key",
        family="logical",
        help="apply fails, and insert_exists, update_exists or multiple_unique_conflicts rises with each attempt",
        over="apply no longer fails on a duplicate key",
        explains=FAILING | {"data_divergence"},
        follows=CONFLICTING,
        improvements=(
            habits.WRITES,
            "Use other ranges or sequences for keys on the subscriber than on the publisher.",
        ),
        tasks=(
            habits.COMPARE,
            "Find out where the row with the duplicate key came from.",
        ),
    ),
    CauseEntry(
        code="subscriber_local_writes",
        family="logical",
        help="row conflicts that local writes explain: of several kinds, or beside rows of another origin",
        over="no more rows conflicted; those that did may differ",
        explains=frozenset({"data_divergence", "apply_conflict", "apply_error"}),
        follows=CONFLICTING,
        improvements=(
            habits.WRITES,
            Measure(
                "Set track_commit_timestamp to on at subscribers, so that conflicts name the origin of the row.",
                "PG-LOG-010",
            ),
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
        over="no further change met a missing row; those rows are missing until they are copied",
        explains=frozenset({"data_divergence", "apply_conflict"}),
        follows=CONFLICTING,
        improvements=(habits.WRITES,),
        tasks=(
            habits.COMPARE,
            "Copy the table again where many rows are missing.",
        ),
    ),
    CauseEntry(
        code="subscriber_schema_drift",
        family="logical",
        help="apply fails repeatedly without a row conflict; tables differ, where both agents can read them",
        over="apply no longer fails on the table that differed",
        explains=FAILING | {"data_divergence"},
        follows=CONFLICTING,
        shared=True,
        improvements=(habits.DDL,),
        tasks=(
            Measure("Bring the tables on both sides to the same definition.", "PG-LOG-014"),
            habits.COMPARE,
        ),
    ),
)
