"""Causes about settings that were changed, or that differ between servers."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="config_changed",
        family="settings",
        help="a setting that can make an open alert fire was changed in the ten minutes before",
        over="the setting was changed again, or what it did is over",
        explains=CUT
        | {
            "agent_silent",
            "apply_delay_undeclared",
            "apply_error",
            "archive_failing",
            "config_mismatch",
            "node_down",
            "primary_lost",
            "recovery_conflict",
            "replay_paused",
        },
        improvements=(
            "Change settings of replication only by configuration management, with a review.",
            habits.AUDIT,
        ),
        tasks=(
            "Find out who changed the setting and why, and whether other servers got the same change.",
            (
                "Put the setting back in the configuration management, so that the next roll-out does not bring "
                "it again."
            ),
        ),
    ),
    CauseEntry(
        code="default_read_only",
        family="settings",
        help="default_transaction_read_only is on for a server that takes writes, or for one of its databases",
        over="default_transaction_read_only is off",
        explains=frozenset({"writes_refused"}),
        improvements=("Let what sets a server read-only say so where people look, and reset it by itself.",),
        tasks=("Find out who set it, and for how long applications could not write.",),
    ),
    CauseEntry(
        code="settings_differ",
        family="settings",
        help="a setting that must not be lower on a standby than on its primary is, and no change of it was seen",
        over="the settings agree",
        explains=frozenset({"config_mismatch"}),
        improvements=(
            Measure(
                "Set the same values on all servers that may become primary, by configuration management.",
                "PG-PAR-001",
                "PG-PAR-002",
                "PG-PAR-007",
            ),
            habits.AUDIT,
        ),
        tasks=(
            Measure(
                "Raise the setting on the standby, or lower it on the primary first if it is not needed.",
                "PG-PAR-001",
                "PG-PAR-002",
            ),
        ),
    ),
)
