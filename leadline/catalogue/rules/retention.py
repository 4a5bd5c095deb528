"""Rules of family retention: WAL that slots and the archive keep or lose."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="archive_failing",
        family="retention",
        on="node",
        unit="failures",
        help=(
            "Failed attempts to archive in 300 s, while the newest attempt failed; 1 when 256 segments or more wait, "
            "when any waits and no attempt has ended for 300 s, or when archive_mode is on and archive_command and "
            "archive_library are empty."
        ),
        impact="WAL that was not archived could not be restored from the archive, and filled its volume.",
        over="{node} archives again",
    ),
    RuleEntry(
        code="archive_not_kept",
        family="retention",
        on="node",
        unit="",
        help=(
            "archive_mode is on, and archive_command succeeds without keeping the segment: it is a command such as "
            "/bin/true, copies to /dev/null, or hides its own failure."
        ),
        impact="A standby that fell behind, and a restore to a point in time, would have found no WAL in the archive.",
        over="archive_command on {node} was changed, or {node} archives nothing any more",
        class_="advice",
        standing=True,
    ),
    RuleEntry(
        code="horizon_held",
        family="retention",
        on="node",
        unit="transactions",
        help=(
            "Age in transactions of the oldest snapshot that vacuum must respect on a server that takes writes, and "
            "that stays: of an open or prepared transaction, of a standby with `hot_standby_feedback`, or of a slot. "
            "Ages below 50,000 count as none, and ages of a logical slot's catalog below one million."
        ),
        impact="Dead rows could not be removed: tables grew, and queries on them became slower.",
        over="nothing holds vacuum on {node} back any more",
        class_="notice",
        waits_below=True,
    ),
    RuleEntry(
        code="slot_creation_waiting",
        family="retention",
        on="slot",
        unit="s",
        help=(
            "Seconds since the command that creates a logical slot began, while it waits for transactions that ran "
            "then; on a standby, for its primary to write which ones run. Not for slots of initial copies whose "
            "subscriber is watched."
        ),
        impact="A consumer could not begin to read changes.",
        over="the slot {name} on {node} is created, or its creation was given up",
    ),
    RuleEntry(
        code="slot_idle_timeout",
        family="retention",
        on="slot",
        unit="%",
        help=(
            "Percent of `idle_replication_slot_timeout` for which nobody has read a slot. After that time the next "
            "checkpoint invalidates it."
        ),
        impact="The consumer of the slot would have had to be rebuilt, or its tables copied again.",
        over="slot {name} on {node} is used again, is gone, or has been invalidated",
        needs="invalidates_idle_slots",
    ),
    RuleEntry(
        code="slot_inactive",
        family="retention",
        on="slot",
        unit="",
        help=(
            "A slot retains WAL and has had no consumer for longer than `for`. Not for temporary slots, slots "
            "synchronized to a standby, slots that Patroni or another orchestrator keeps, and copies of a slot that is "
            "read elsewhere, until they retain 64 MB."
        ),
        impact="The upstream retained WAL for a consumer that was not connected.",
        over="slot {name} on {node} is used again, or is gone",
        class_="notice",
    ),
    RuleEntry(
        code="slot_lost",
        family="retention",
        on="slot",
        unit="",
        help=(
            "2 when a slot is invalidated, and its consumer must be rebuilt; 1 while it is `unreserved`, and the next "
            "checkpoint may remove WAL that it needs."
        ),
        impact="The consumer of the slot could not continue, and had to be rebuilt.",
        over="slot {name} on {node} is gone, or retains what it needs",
    ),
    RuleEntry(
        code="slot_retention_forecast",
        family="retention",
        on="slot",
        unit="s",
        help=(
            "Seconds until the WAL retained for a slot fills its volume or exceeds `max_slot_wal_keep_size`, which "
            "invalidates the slot, at its present growth."
        ),
        impact="The upstream was about to run out of disk space, or the slot about to be invalidated.",
        over="slot {name} on {node} no longer nears its limit",
    ),
)
