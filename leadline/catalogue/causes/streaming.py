"""Causes about the connection of a standby, its timeline and the WAL that it gets."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import APART, CUT, LATE, SLOW, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="archive_broken_for_standby",
        family="streaming",
        help="a standby without primary_conninfo stands still although the archive has more, or nothing is archived",
        over="the standby gets WAL from the archive again",
        explains=CUT | {"archive_failing"},
        improvements=("Let a standby stream as well, so that the archive is its second source and not its only one.",),
        tasks=(Measure("Repair the archive, and test restoring from it on a schedule.", "PG-ARC-001"),),
    ),
    CauseEntry(
        code="cascade_upstream_behind",
        family="streaming",
        help="a cascading standby has everything that its upstream has, and a hop above is behind or cut",
        over="the standby above has caught up",
        explains=CUT,
        follows=APART | SLOW,
        improvements=("Let standbys that matter follow the primary directly, or by two paths.",),
        tasks=("Repair the slowest hop of the cascade; see its own cause.",),
    ),
    CauseEntry(
        code="network_slow",
        family="streaming",
        help="the distance between the upstream's end of WAL and the written position grows; replies arrive",
        over="WAL arrives in time again",
        explains=LATE | {"slot_retention_forecast", "sync_commit_blocked"},
        shared=True,
        improvements=(
            habits.NETWORK,
            "Set wal_compression on the primary where the path is thin.",
        ),
        tasks=("Find out what took the bandwidth between the two servers.",),
    ),
    CauseEntry(
        code="promoted_standby_still_followed",
        family="streaming",
        help="of two writers the one that was promoted has connected standbys",
        over="nothing follows the promoted standby any more",
        explains=frozenset({"split_brain"}),
        follows=frozenset({"two_writers"}),
        shared=True,
        improvements=(
            habits.FENCE,
            "Let standbys find their primary by one address that moves with it.",
        ),
        tasks=(
            "Save what only the wrong server and its standbys have, and only then let them follow the right one.",
            habits.COMPARE,
        ),
    ),
    CauseEntry(
        code="restore_command_hangs",
        family="streaming",
        help="a standby has no receiver, and its startup process waits for restore_command and applies nothing",
        over="restore_command has ended, and the standby goes on",
        explains=CUT,
        follows=APART,
        improvements=("Give restore_command a time limit: timeout 60 …, so that a standby goes on to its upstream.",),
        tasks=("Find out why the archive did not answer, and for how long.",),
    ),
    CauseEntry(
        code="standby_cannot_connect",
        family="streaming",
        help=("both servers answer, and the standby's receiver has no connection to its upstream or receives nothing"),
        over="the standby is connected again",
        explains=CUT,
        follows=APART | {"two_writers"},
        shared=True,
        at_once=True,
        improvements=(
            habits.NETWORK,
            "Test every standby's primary_conninfo against every server that may become its primary.",
        ),
        tasks=("Find out what changed between the two servers: address, certificate, password, firewall.",),
    ),
    CauseEntry(
        code="timeline_fork",
        family="streaming",
        help=("a standby stays on an older timeline than its upstream, and has received less than it has replayed"),
        over="the standby is on the timeline of its upstream",
        explains=CUT | {"data_divergence"},
        follows=frozenset({"promoted_standby_still_followed", "two_writers"}),
        shared=True,
        improvements=(
            habits.FENCE,
            Measure("Set wal_log_hints or data checksums, so that pg_rewind can be used.", "PG-DUR-004"),
        ),
        tasks=("Save what only the standby with the other history has, and only then let it follow again.",),
    ),
    CauseEntry(
        code="timeline_not_followed",
        family="streaming",
        help="a standby stays on an older timeline than its upstream, and its recovery_target_timeline is not latest",
        over="the standby is on the timeline of its upstream",
        explains=CUT,
        follows=frozenset({"primary_replaced"}),
        improvements=(
            Measure(
                "Leave recovery_target_timeline at its default, latest, on every server that is to be a standby.",
                "PG-SBY-010",
            ),
        ),
        tasks=(
            Measure(
                "Look for recovery_target_timeline in the configuration of every standby, and remove it.", "PG-SBY-010"
            ),
        ),
    ),
    CauseEntry(
        code="standbys_follow_each_other",
        family="streaming",
        help="the upstreams of standbys lead back to where they began, and no primary is among them",
        over="the standbys follow a primary again",
        explains=CUT | {"upstream_circle"},
        follows=frozenset({"primary_replaced"}),
        shared=True,
        improvements=(
            Measure(
                "Set the upstream of every standby in one step of the failover, and check it at the end.", "PG-CLU-005"
            ),
        ),
        tasks=(Measure("Point one standby of the circle to the primary.", "PG-CLU-005"),),
    ),
    CauseEntry(
        code="wal_receiver_stopped",
        family="streaming",
        help="no receiver runs and none is tried for: primary_conninfo is empty, or replay is paused",
        over="the WAL receiver runs again",
        explains=CUT,
        follows=frozenset({"replay_paused_by_operator", "replay_paused_by_parameter"}),
        improvements=(
            Measure("Keep primary_conninfo in the configuration management.", "PG-SBY-007"),
            habits.AUDIT,
        ),
        tasks=("Find out why primary_conninfo was empty or replay was paused.",),
    ),
    CauseEntry(
        code="wal_removed",
        family="streaming",
        help="a disconnected standby without a slot is behind the start of the last checkpoint less wal_keep_size",
        over="the standby has the WAL that it needs",
        explains=CUT,
        follows=APART | SLOW,
        shared=True,
        improvements=(
            Measure("Give every standby a slot, or an archive to restore from.", "PG-WAL-004"),
            habits.SLOTS,
        ),
        tasks=("Bring the standby back, and say here how long the cluster was without it.",),
    ),
    CauseEntry(
        code="wrong_cluster",
        family="streaming",
        help="the two ends of a physical link have different system identifiers",
        over="both ends are of one cluster",
        explains=CUT,
        improvements=("Take addresses of upstreams from one source that records the cluster of each server.",),
        tasks=("Find out how primary_conninfo came to name a server of another cluster.",),
    ),
    CauseEntry(
        code="too_many_wal_senders",
        family="streaming",
        help="a standby has no connection, and its upstream has max_wal_senders senders or says so in its server log",
        over="the upstream has a WAL sender for the standby again",
        explains=CUT,
        improvements=(
            Measure("Set max_wal_senders to twice the number of standbys, subscribers and backups.", "PG-WAL-007"),
        ),
        tasks=("Find out what used the senders: base backups and WAL archivers need one or two each.",),
    ),
    CauseEntry(
        code="wal_corrupt",
        family="streaming",
        help="the startup process reports the same WAL record again and again, and nothing is received",
        over="the startup process no longer reports the record",
        explains=CUT,
        improvements=(
            Measure(
                "Use data checksums and storage that reports errors; verify the archive on a schedule.", "PG-DUR-003"
            ),
        ),
        tasks=("Find out where the WAL was damaged: on the upstream, on the way, in the archive or on the standby.",),
    ),
)
