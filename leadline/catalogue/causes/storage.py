"""Causes about archives, disks, damaged pages and the order of text."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, DOWN, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="archive_not_kept",
        family="storage",
        help="archive_command reports success for WAL that it does not keep, by its own text",
        over="archive_command was changed, or nothing is archived any more",
        explains=frozenset({"archive_not_kept"}),
        improvements=(Measure("Test archiving and restoring from the archive on a schedule.", "PG-ARC-001"),),
        tasks=(
            Measure(
                "Decide whether these servers are to have an archive, and take a base backup once they have one.",
                "PG-ARC-003",
            ),
        ),
    ),
    CauseEntry(
        code="archiver_failing",
        family="storage",
        help="the archiver's last attempt failed after its last success, or no attempt ends while segments wait",
        over="WAL is archived again",
        explains=frozenset({"archive_failing", "slot_retention_forecast"}),
        follows=frozenset({"disk_full"}),
        improvements=(
            habits.DISK,
            Measure("Test archiving and restoring from the archive on a schedule.", "PG-ARC-001"),
        ),
        tasks=(
            Measure(
                "Repair the archive or the archive command, and check that no WAL files wait to be archived.",
                "PG-ARC-001",
                "PG-ARC-005",
            ),
        ),
    ),
    CauseEntry(
        code="collation_library_changed",
        family="storage",
        help="the recorded version of a database's collation is not that of the server's library",
        over="the recorded version is that of the library",
        explains=frozenset({"collation_changed"}),
        improvements=(
            "Run all servers of a cluster on one release of the operating system; upgrade it by logical replication, "
            "or build all indexes on text again.",
        ),
        tasks=("Check the indexes on text of every server with amcheck, and build those again that are wrong.",),
    ),
    CauseEntry(
        code="disk_full",
        family="storage",
        help=(
            "the server, or its WAL receiver, fails with: no space left on device; or it is down or cut off, and its "
            "volume lacks room for a segment"
        ),
        over="the server no longer reports a full volume",
        explains=CUT | DOWN | {"archive_failing"},
        improvements=(
            habits.DISK,
            habits.SLOTS,
        ),
        tasks=("Give the WAL a volume with room for the longest outage of a standby that has to be survived.",),
    ),
    CauseEntry(
        code="page_damaged",
        family="storage",
        help="the counter of wrong page checksums of a database rose within an hour",
        over="no damaged page was read for an hour",
        explains=frozenset({"page_damage"}),
        improvements=("Verify backups with checksums on a schedule, and use storage and memory that report errors.",),
        tasks=("Find out since when the pages are damaged, and which backups have them.",),
    ),
)
