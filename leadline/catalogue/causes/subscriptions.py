"""Causes about publications, the connections of subscriptions, and initial copies."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import APART, CONFLICTING, CUT, DISABLED, FAILING, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="publication_or_slot_dropped",
        family="subscriptions",
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
        family="subscriptions",
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
        family="subscriptions",
        help="a subscription is enabled and receives nothing, and no watched server can be its publisher",
        over="a publisher of the subscription is seen",
        explains=frozenset({"subscription_without_worker"}),
        improvements=("Watch both ends of each subscription.",),
        tasks=("Find out from the subscriber's server log why the worker of the subscription did not start.",),
    ),
    CauseEntry(
        code="slot_lost_in_failover",
        family="subscriptions",
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
        family="subscriptions",
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
        code="subscription_disabled_by_operator",
        family="subscriptions",
        help="enabled is false and no error counter rose as it was disabled",
        over="the subscription is enabled again",
        explains=DISABLED,
        improvements=("Disable a subscription only together with a silence in Leadline that has an end.",),
        tasks=("Find out who disabled the subscription, and for what purpose.",),
    ),
    CauseEntry(
        code="subscription_disabled_on_error",
        family="subscriptions",
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
        family="subscriptions",
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
        family="subscriptions",
        help="the worker or the sender of an initial copy waits for a lock that a session holds",
        over="the copy no longer waits for a lock",
        explains=frozenset({"table_sync_waiting"}),
        improvements=("Set lock_timeout and idle_in_transaction_session_timeout for all roles on both servers.",),
        tasks=("Find the job that held the lock on the table, and move it or shorten its transaction.",),
    ),
    CauseEntry(
        code="table_copy_workers_exhausted",
        family="subscriptions",
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
        family="subscriptions",
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
        family="subscriptions",
        help="sync_errors rises and tables stay unready, and no timeout explains it",
        over="the copy no longer fails",
        explains=frozenset({"table_sync_stuck"}),
        improvements=(habits.DDL,),
        tasks=("Repair the error of the copy that the subscriber's server log gives; every table must become ready.",),
    ),
)
