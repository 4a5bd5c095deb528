"""Causes about standbys that have WAL and do not replay it in time."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, LATE, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="apply_delay_configured",
        family="replay",
        help="recovery_min_apply_delay is set and the startup process waits in RecoveryApplyDelay",
        over="replay no longer waits for the configured delay",
        explains=LATE | {"apply_delay_undeclared", "sync_commit_blocked"},
        improvements=(
            "Declare every delayed standby in Leadline's rules, so that a delay that nobody meant is an alert.",
        ),
        tasks=(
            Measure(
                "Set recovery_min_apply_delay to the intended value, in the configuration management too.", "PG-SBY-005"
            ),
        ),
    ),
    CauseEntry(
        code="long_transaction_on_primary",
        family="replay",
        help=(
            "a logical slot's confirmed position moves, its restart position does not, and a session that wrote is old"
        ),
        over="the old transaction has ended",
        explains=frozenset({"slot_retention_forecast"}),
        shared=True,
        improvements=("Set idle_in_transaction_session_timeout, and transaction_timeout on PostgreSQL 17 and later.",),
        tasks=("Find the program that left the transaction open, and make it commit.",),
    ),
    CauseEntry(
        code="recovery_conflict_cancels",
        family="replay",
        help="the standby's counters of queries cancelled by replay rise",
        over="replay no longer cancels queries",
        explains=frozenset({"recovery_conflict"}),
        improvements=(
            habits.SESSIONS,
            "Set hot_standby_feedback where cancelled reports cost more than bloat on the primary.",
        ),
        tasks=(
            (
                Measure(
                    "Agree on max_standby_streaming_delay: how stale a standby may be, against how long a "
                    "query may run.",
                    "PG-SBY-001",
                    "PG-SBY-002",
                )
            ),
        ),
    ),
    CauseEntry(
        code="recovery_target_reached",
        family="replay",
        help="replay_paused is set and the standby has one of the settings recovery_target*",
        over="replay no longer waits at the recovery target",
        explains=LATE | {"replay_paused", "sync_commit_blocked"},
        improvements=(
            Measure(
                "Restore to a point in time on a server of its own, which is not configured as a standby.", "PG-SBY-011"
            ),
        ),
        tasks=(
            Measure(
                "Remove the recovery target from the standby's configuration, in the configuration management too.",
                "PG-SBY-011",
            ),
        ),
    ),
    CauseEntry(
        code="replay_cannot_keep_up",
        family="replay",
        help="WAL is received promptly and piles up before replay, which moves and waits for nothing but the disk",
        over="replay has caught up",
        explains=LATE,
        shared=True,
        improvements=("Give standbys the disks and the processor of their primary: replay is one process.",),
        tasks=(
            ("Set recovery_prefetch = try (PostgreSQL 15 and later), and look at what else used the standby's disk."),
        ),
    ),
    CauseEntry(
        code="replay_paused_by_operator",
        family="replay",
        help="replay_paused is set and no hot-standby setting is lower than on the primary",
        over="replay was resumed",
        explains=LATE | {"replay_paused", "sync_commit_blocked"},
        improvements=(Measure("Pause replay only with a silence in Leadline that ends by itself.", "PG-SBY-006"),),
        tasks=("Find out who called pg_wal_replay_pause() and what for, and write it into the runbook.",),
    ),
    CauseEntry(
        code="replay_paused_by_parameter",
        family="replay",
        help="replay_paused is set and a hot-standby setting is lower on the standby than on the primary",
        over="replay continues",
        explains=LATE | {"config_mismatch", "replay_paused", "sync_commit_blocked"},
        improvements=(
            (
                Measure(
                    "Raise max_connections and its kin on standbys first, lower them on the primary first; automate "
                    "the order.",
                    "PG-PAR-001",
                )
            ),
        ),
        tasks=(
            Measure(
                "Set the parameter on every standby to at least the primary's value, and restart it.", "PG-PAR-001"
            ),
            habits.AUDIT,
        ),
    ),
    CauseEntry(
        code="standby_disk_slow",
        family="replay",
        help="the stage between write and flush on the standby is the largest",
        over="the standby's disk keeps up again",
        explains=LATE | {"sync_commit_blocked"},
        improvements=("Give standbys the disks of their primary.",),
        tasks=("Find out what else wrote to the standby's disk: a backup, a report that spills, a neighbour.",),
    ),
    CauseEntry(
        code="standby_hung",
        family="replay",
        help=(
            "a standby's processes neither work nor end: no answers beside a standing connection, a receiver "
            "silent for longer than wal_receiver_timeout, or replay idle beside received WAL"
        ),
        over="the standby's processes work again",
        explains=CUT | {"node_down"},
        follows=frozenset({"host_down", "standby_disk_slow"}),
        improvements=("Fence a server that hangs: end it from outside, for it does not end by itself.",),
        tasks=("Find out what the processes waited for: storage, memory, a debugger; look at the kernel's messages.",),
    ),
    CauseEntry(
        code="standby_query_blocks_replay",
        family="replay",
        help="replay does not move and the startup process waits for a snapshot, a lock or a buffer pin of a session",
        over="replay no longer waits for a session",
        explains=LATE | {"sync_commit_blocked"},
        improvements=(
            habits.SESSIONS,
            Measure(
                "Alert when max_standby_streaming_delay is -1 anywhere: nobody should fail over to such a standby.",
                "PG-SBY-001",
            ),
        ),
        tasks=(
            Measure(
                "Set max_standby_streaming_delay and max_standby_archive_delay to finite values on every standby.",
                "PG-SBY-001",
                "PG-SBY-003",
            ),
            "Set statement_timeout for the roles that run reports on standbys.",
            "Decide on hot_standby_feedback: fewer conflicts on the standby for more bloat on the primary.",
        ),
    ),
    CauseEntry(
        code="wal_burst",
        family="replay",
        help="the primary writes several times its usual amount of WAL while links fall behind",
        over="the primary writes its usual amount of WAL again",
        explains=LATE,
        improvements=("Write bulk changes in bounded batches, with a pause when the standbys fall behind.",),
        tasks=("Agree on a time of day for the job that wrote so much.",),
    ),
)
