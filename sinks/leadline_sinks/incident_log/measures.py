"""What to do so that a cause does not come back, by its code: the last section of a post-mortem. Data, and no names.

An improvement changes how things are built; a task is done once and ticked off. Settings are PostgreSQL's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measures:
    """For one cause."""

    improvements: tuple[str, ...]
    tasks: tuple[str, ...]


COMPARE: Final = "Compare the tables on both sides and repair the rows that differ; say here how many there were."
AUDIT: Final = "Audit the settings of every server of the cluster on a schedule, and who may change them."
REHEARSE: Final = "Rehearse a failover and a rebuild, and time both."
VERSIONS: Final = "Bring every server to the newest minor release of its version; read what it mends in replication."
_SESSIONS: Final = "Keep reports and batch work on a standby of their own, with limits on how long a statement may run."
_SLOTS: Final = (
    "Bound what a slot may keep: max_slot_wal_keep_size; on PostgreSQL 18 also idle_replication_slot_timeout."
)
_WRITES: Final = (
    "Let only replication write to subscribed tables: REVOKE INSERT, UPDATE, DELETE, TRUNCATE from all others."
)
_DDL: Final = "Roll out changes of tables to subscribers before publishers, in one pipeline with the application's."
_FENCE: Final = "Let one tool promote, and let it fence the old primary before it does."
_NETWORK: Final = "Watch the path between the two servers: bandwidth, loss, and what else uses it."
_DISK: Final = "Alert on the growth of the volume of the log, not only on its fill level."
_AGENT: Final = "Run the agent under a supervisor that starts it again, with an alert when it is silent."

MEASURES: Final[Mapping[str, Measures]] = {
    "agent_down": Measures(
        (_AGENT,),
        ("Find out why the agent ended or could not reach Kafka, and whether it was started again by itself.",),
    ),
    "apply_blocked_by_lock": Measures(
        ("Set lock_timeout and idle_in_transaction_session_timeout for everybody who works on the subscriber.",),
        ("Find the job that held the lock on a replicated table, and move it or shorten its transaction.",),
    ),
    "apply_cannot_keep_up": Measures(
        ("Split what is published into several subscriptions, or use streaming = parallel (PostgreSQL 16 and later).",),
        (
            "Give each replicated table on the subscriber the index of its replica identity.",
            "Look for triggers and foreign keys on the subscriber that make applying slow.",
        ),
    ),
    "apply_delay_configured": Measures(
        ("Declare every delayed standby in Leadline's rules, so that a delay that nobody meant is an alert.",),
        ("Set recovery_min_apply_delay to what is meant, in the configuration management too.",),
    ),
    "apply_workers_exhausted": Measures(
        ("Size max_logical_replication_workers and the replication origins from the number of subscriptions.",),
        ("Raise the limit that was reached on the subscriber, with room for table copies, and restart it.",),
    ),
    "archiver_failing": Measures(
        (_DISK, "Test archiving and restoring from the archive on a schedule."),
        ("Mend the archive or the archive command, and see that the backlog of WAL files is gone.",),
    ),
    "bidirectional_loop": Measures(
        ("Subscribe with origin = none wherever two servers replicate to each other (PostgreSQL 16 and later).",),
        ("Set origin = none on both subscriptions.", COMPARE),
    ),
    "cascade_upstream_behind": Measures(
        ("Let standbys that matter follow the primary directly, or by two ways.",),
        ("Mend the slowest hop of the cascade; see its own cause.",),
    ),
    "config_changed": Measures(
        ("Change settings of replication only by configuration management, with a review.", AUDIT),
        (
            "Find out who changed the setting and why, and whether other servers got the same change.",
            "Put the setting back in the configuration management, so that the next roll-out does not bring it again.",
        ),
    ),
    "datacenter_cut": Measures(
        ("Have two ways between datacentres, and a rule for who may write when they are cut.", REHEARSE),
        ("Find out what cut the datacentre off, and whether anything was written on both sides.",),
    ),
    "disk_full": Measures(
        (_DISK, _SLOTS),
        ("Give the log a volume with room for the longest outage of a standby that has to be survived.",),
    ),
    "failover_slot_gate": Measures(
        ("Alert on the standbys that synchronized_standby_slots names: logical subscribers wait for them.",),
        ("Bring the standby's slot back, or take it out of synchronized_standby_slots.",),
    ),
    "host_down": Measures(
        ("Keep the nodes of one cluster on hosts that do not fail together.", REHEARSE),
        ("Find out why the host went down, and whether it came back by itself.",),
    ),
    "large_transaction_decoding": Measures(
        ("Write in bounded batches where tables are published.",),
        ("Set streaming = parallel on the subscription (PostgreSQL 16 and later), or raise the decoding memory.",),
    ),
    "long_transaction_on_primary": Measures(
        ("Set idle_in_transaction_session_timeout, and transaction_timeout on PostgreSQL 17 and later.",),
        ("Find the program that left the transaction open, and make it commit.",),
    ),
    "multi_writer_swap": Measures(
        ("Let each row have one server that writes it; two writers of one row need rules for who wins.",),
        (COMPARE, "Turn track_commit_timestamp on wherever conflicts have to be seen."),
    ),
    "network_slow": Measures(
        (_NETWORK, "Set wal_compression on the primary where the path is thin."),
        ("Find out what took the bandwidth between the two servers.",),
    ),
    "orphan_prepared_transaction": Measures(
        ("Alert on prepared transactions that are older than a few minutes, or set max_prepared_transactions to 0.",),
        ("Find out which transaction manager lost the transaction, and why.",),
    ),
    "primary_down": Measures(
        (REHEARSE, _FENCE),
        ("Find out from the end of its log why the primary stopped.", "See that it cannot come back beside a new one."),
    ),
    "promoted_standby_still_followed": Measures(
        (_FENCE, "Let standbys find their primary by one address that moves with it."),
        ("Rebuild or pg_rewind whatever followed the wrong server.", COMPARE),
    ),
    "publication_or_slot_dropped": Measures(
        ("Take the right to drop publications and slots away from everybody but the people who run replication.",),
        (COMPARE, "Find out who dropped the publication or the slot, and by which job."),
    ),
    "recovery_conflict_cancels": Measures(
        (_SESSIONS, "Set hot_standby_feedback where cancelled reports cost more than bloat on the primary."),
        ("Agree on max_standby_streaming_delay: how stale a standby may be, against how long a query may run.",),
    ),
    "replay_cannot_keep_up": Measures(
        ("Give standbys the disks and the processor of their primary: replay is one process.",),
        ("Set recovery_prefetch = try (PostgreSQL 15 and later), and look at what else used the standby's disk.",),
    ),
    "replay_paused_by_operator": Measures(
        ("Pause replay only with a silence in Leadline that ends by itself.",),
        ("Find out who called pg_wal_replay_pause() and what for, and write it into the runbook.",),
    ),
    "replay_paused_by_parameter": Measures(
        ("Raise max_connections and its kin on standbys first, lower them on the primary first; automate the order.",),
        ("Set the parameter on every standby to at least the primary's value, and restart it.", AUDIT),
    ),
    "replica_identity_missing": Measures(
        ("Let the pipeline refuse tables without a primary key in databases that are published.",),
        ("Give each table a key that identifies its rows; take REPLICA IDENTITY FULL back where it was a stopgap.",),
    ),
    "slot_abandoned": Measures(
        (_SLOTS, "Let whoever retires a consumer drop its slot in the same change."),
        ("Drop the slot, after asking whose it was.",),
    ),
    "slot_consumer_stuck": Measures(
        (_SLOTS, "Monitor the consumer by what it confirms, not by whether it is connected."),
        ("Find out from the consumer's log what it waited for.",),
    ),
    "slot_in_use_elsewhere": Measures(
        ("Name slots after the server that uses them, and make the name part of its configuration.",),
        ("Give each standby a slot of its own.",),
    ),
    "slot_invalidated": Measures(
        ("Size max_slot_wal_keep_size and idle_replication_slot_timeout for the longest outage to be survived.",),
        ("Rebuild the consumer that lost its slot, and say here how long it was without.", _DISK),
    ),
    "slot_missing": Measures(
        ("Make a standby's slot part of what creates the standby and of every failover.",),
        ("Make the slot on the upstream, on whichever server may become one as well.",),
    ),
    "standby_cannot_connect": Measures(
        (_NETWORK, "Test every standby's primary_conninfo against every server that may become its primary."),
        ("Find out what changed between the two servers: address, certificate, password, firewall.",),
    ),
    "standby_disk_slow": Measures(
        ("Give standbys the disks of their primary.",),
        ("Find out what else wrote to the standby's disk: a backup, a report that spills, a neighbour.",),
    ),
    "standby_down": Measures(
        ("Have one standby more than are needed, so that losing one is no incident.",),
        ("Find out from the end of the standby's log why it stopped.",),
    ),
    "standby_hung": Measures(
        ("Fence a server that hangs: end it from outside, for it does not end by itself.",),
        ("Find out what the processes waited for: storage, memory, a debugger; look at the kernel's log.",),
    ),
    "standby_query_blocks_replay": Measures(
        (
            _SESSIONS,
            "Alert when max_standby_streaming_delay is -1 anywhere: nobody should fail over to such a standby.",
        ),
        (
            "Set max_standby_streaming_delay and max_standby_archive_delay to finite values on every standby.",
            "Set statement_timeout for the roles that run reports on standbys.",
            "Decide on hot_standby_feedback: fewer conflicts on the standby for more bloat on the primary.",
        ),
    ),
    "subscriber_cannot_connect": Measures(
        (_NETWORK, "Test every subscription's connection against every server that may become its publisher."),
        ("Find out what changed between the two servers: address, certificate, password, firewall.",),
    ),
    "subscriber_duplicate_key": Measures(
        (_WRITES, "Take keys on the subscriber from other ranges or sequences than the publisher's."),
        (COMPARE, "Find out where the row with the duplicate key came from."),
    ),
    "subscriber_local_writes": Measures(
        (_WRITES, "Turn track_commit_timestamp on at subscribers, so that conflicts say whose row it was."),
        (COMPARE, "Find the program that writes to the subscriber, and point it at the publisher."),
    ),
    "subscriber_missing_row": Measures(
        (_WRITES,),
        (COMPARE, "Copy the table anew where many rows are missing."),
    ),
    "subscriber_schema_drift": Measures(
        (_DDL,),
        ("Bring the tables on both sides to the same definition.", COMPARE),
    ),
    "subscription_disabled_by_operator": Measures(
        ("Disable a subscription only with a silence in Leadline that ends by itself.",),
        ("Find out who disabled the subscription and what for.",),
    ),
    "subscription_disabled_on_error": Measures(
        ("Alert on the error counters of subscriptions, so that disable_on_error is not the first that is heard.",),
        ("Mend the error that disabled the subscription; its own cause says more.", COMPARE),
    ),
    "sync_remote_apply_slow": Measures(
        ("Use synchronous_commit = on where what was committed must be safe; remote_apply where it must be seen.",),
        ("Find out what held replay up on the synchronous standby.",),
    ),
    "sync_standby_missing": Measures(
        ("Name more standbys in synchronous_standby_names than it asks for: ANY 1 (a, b).",),
        ("Find out why the synchronous standby was away, and how long commits waited.",),
    ),
    "table_sync_failing": Measures(
        (_DDL,),
        ("Mend what the subscriber's log says of the copy, and see that every table is ready.",),
    ),
    "timeline_fork": Measures(
        (_FENCE, "Set wal_log_hints or data checksums, so that pg_rewind can be used."),
        ("Rebuild or pg_rewind the standby that has the other history.",),
    ),
    "two_writers": Measures(
        (_FENCE, "Let applications reach the primary by one address that moves with it."),
        ("Find out which server took which writes while there were two.", COMPARE),
    ),
    "unknown": Measures(
        (AUDIT, VERSIONS),
        (
            "Find the cause from the evidence of the alerts and the servers' logs, and write it down here.",
            "Keep the samples of this incident (leadline record), so that the signature can be added to Leadline.",
        ),
    ),
    "wal_burst": Measures(
        ("Write bulk changes in bounded batches, with a pause when the standbys fall behind.",),
        ("Agree on a time of day for the job that wrote so much.",),
    ),
    "wal_receiver_stopped": Measures(
        ("Keep primary_conninfo in the configuration management.", AUDIT),
        ("Find out why primary_conninfo was empty or replay was paused.",),
    ),
    "wal_removed": Measures(
        ("Give every standby a slot, or an archive to restore from.", _SLOTS),
        ("Rebuild the standby, and say here how long the cluster was without it.",),
    ),
    "wrong_cluster": Measures(
        ("Take addresses of upstreams from one source that knows which cluster a server is of.",),
        ("Find out how primary_conninfo came to name a server of another cluster.",),
    ),
}
"""Every cause that Leadline names has its measures."""


def measures(codes: Iterable[str]) -> Measures:
    """Those of several causes, each once, in the causes' order; of a code that is not known, those of ``unknown``."""
    found = [MEASURES.get(code, MEASURES["unknown"]) for code in codes] or [MEASURES["unknown"]]
    return Measures(
        tuple(dict.fromkeys(text for each in found for text in each.improvements)),
        tuple(dict.fromkeys(text for each in found for text in each.tasks)),
    )
