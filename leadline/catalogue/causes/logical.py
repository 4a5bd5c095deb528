"""Causes about subscriptions."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import APART, CONFLICTING, CUT, DISABLED, FAILING, LATE, CauseEntry
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
        code="publication_or_slot_dropped",
        family="logical",
        help="a subscription is enabled; its publisher answers and lacks its slot or a publication that it names",
        over="the publisher has what the subscription names",
        explains=FAILING | {"publication_missing", "subscription_without_worker"},
        follows=frozenset({"slot_invalidated", "two_writers"}),
        shared=True,
        improvements=(
            "Revoke the right to drop publications and slots from all roles but those that administer replication.",
        ),
        tasks=(
            habits.COMPARE,
            "Find out who dropped the publication or the slot, and by which job.",
        ),
    ),
    CauseEntry(
        code="publication_not_refreshed",
        family="logical",
        help="the tables of a publication and those of its subscription differ, and nothing fails",
        over="the tables of the publication and the subscription agree",
        explains=frozenset({"table_not_subscribed"}),
        improvements=(
            Measure("Refresh the subscriptions in the same deployment that creates a published table.", "PG-LOG-013"),
        ),
        tasks=("Compare the tables of the two sides, those that were created lately first.",),
    ),
    CauseEntry(
        code="publisher_not_seen",
        family="logical",
        help="a subscription is enabled and receives nothing, and no watched server can be its publisher",
        over="a publisher of the subscription is seen",
        explains=frozenset({"subscription_without_worker"}),
        improvements=("Watch both ends of each subscription.",),
        tasks=("Find out from the subscriber's server log why the worker of the subscription did not start.",),
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
        code="slot_lost_in_failover",
        family="logical",
        help="a subscription receives nothing; a server of its publisher's system was promoted and lacks its slot",
        over="the subscription has a slot again",
        explains=frozenset({"subscription_without_worker", "replication_cut_off"}),
        improvements=(
            Measure(
                "Keep logical slots over a failover: failover = true on the subscription, and "
                "sync_replication_slots and "
                "synchronized_standby_slots on the servers (PostgreSQL 17 and later), or permanent slots of Patroni.",
                "PG-LOG-002",
            ),
        ),
        tasks=(
            habits.COMPARE,
            "Make each failover of the publisher check the slots of its subscriptions.",
        ),
    ),
    CauseEntry(
        code="subscriber_cannot_connect",
        family="logical",
        help="both servers answer, the slot exists, no errors are counted, and the worker receives no stream",
        over="the subscription receives again",
        explains=CUT,
        follows=APART,
        shared=True,
        at_once=True,
        improvements=(
            habits.NETWORK,
            "Test the connection of every subscription to every server that may become its publisher.",
        ),
        tasks=("Find out what changed between the two servers: address, certificate, password or firewall.",),
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
    CauseEntry(
        code="subscription_disabled_by_operator",
        family="logical",
        help="enabled is false and no error counter rose as it was disabled",
        over="the subscription is enabled again",
        explains=DISABLED,
        improvements=("Disable a subscription only together with a silence in Leadline that has an end.",),
        tasks=("Find out who disabled the subscription, and for what purpose.",),
    ),
    CauseEntry(
        code="subscription_disabled_on_error",
        family="logical",
        help="enabled is false, disable_on_error is true and the error counter rose as it was disabled",
        over="the subscription is enabled again",
        explains=DISABLED | {"data_divergence"},
        follows=CONFLICTING | {"table_sync_failing"},
        improvements=(
            "Alert on the error counters of subscriptions, so that errors are known before disable_on_error acts.",
        ),
        tasks=(
            Measure(
                "Repair the error that disabled the subscription; the cause ranked next describes it.", "PG-LOG-007"
            ),
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="sync_slot_waits",
        family="logical",
        help="a slot is being created; its sender waits on Lock/transactionid, for whom is named",
        over="the slot no longer waits for a transaction",
        explains=frozenset({"table_sync_waiting", "slot_creation_waiting"}),
        improvements=(
            "Set idle_in_transaction_session_timeout on publishers, and create slots when no long transactions run.",
        ),
        tasks=("Find the application that left the transaction open, and make it end its transactions.",),
    ),
    CauseEntry(
        code="table_copy_blocked",
        family="logical",
        help="the worker or the sender of an initial copy waits for a lock that a session holds",
        over="the copy no longer waits for a lock",
        explains=frozenset({"table_sync_waiting"}),
        improvements=("Set lock_timeout and idle_in_transaction_session_timeout for all roles on both servers.",),
        tasks=("Find the job that held the lock on the table, and move it or shorten its transaction.",),
    ),
    CauseEntry(
        code="table_copy_workers_exhausted",
        family="logical",
        help="tables are not ready, no worker copies them, and a limit of workers on the subscriber is reached",
        over="workers copy the tables again",
        explains=frozenset({"table_sync_waiting"}),
        improvements=(
            Measure(
                "Set max_logical_replication_workers with room for table copies beside a worker of each subscription.",
                "PG-LOG-005",
            ),
        ),
        tasks=(Measure("Raise the limit that was reached on the subscriber.", "PG-LOG-005"),),
    ),
    CauseEntry(
        code="table_copy_cancelled",
        family="logical",
        help="initial copies fail, and the server log or a timeout of the sender on the publisher shows why",
        over="the copy is no longer cancelled",
        explains=frozenset({"table_sync_stuck"}),
        improvements=(
            Measure(
                "Give the roles by which servers replicate timeouts of their own, not those of applications.",
                "PG-LOG-004",
            ),
        ),
        tasks=(Measure("Set statement_timeout to 0 for the role of the subscription on the publisher.", "PG-LOG-004"),),
    ),
    CauseEntry(
        code="table_sync_failing",
        family="logical",
        help="sync_errors rises and tables stay unready, and no timeout explains it",
        over="the copy no longer fails",
        explains=frozenset({"table_sync_stuck"}),
        improvements=(habits.DDL,),
        tasks=("Repair the error of the copy that the subscriber's server log gives; every table must become ready.",),
    ),
)
