"""Rules of family slots: failover slots."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="slot_sync_off",
        family="slots",
        on="node",
        unit="",
        help=(
            "Settings that a standby with `sync_replication_slots = on` lacks, so that its worker ends: a `dbname` in "
            "`primary_conninfo`, `hot_standby_feedback`, `primary_slot_name`, `wal_level = logical`; and slots of its "
            "own that have the name of a failover slot of its primary."
        ),
        impact="Logical consumers could not have gone on at this standby after a failover: their slots were not there.",
        over="{node} has the settings to synchronize slots",
        class_="notice",
        needs="failover_slots",
    ),
)
