"""Causes about Leadline itself, and the cause of an incident that nothing explains."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CauseEntry

ENTRIES = (
    CauseEntry(
        code="sink_cannot_deliver",
        family="pipeline",
        help="a target of notifications has taken none for a minute, or refuses them for good",
        explains=frozenset({"sink_failing"}),
        improvements=("Give each route a second target of another vendor, so that one outage leaves nobody unwarned.",),
        tasks=("Send each target a test notification with `leadline doctor --notify` after the repair.",),
    ),
    CauseEntry(
        code="unknown",
        family="pipeline",
        help="no known signature fits the samples",
        explains=frozenset(),
        improvements=(
            habits.AUDIT,
            habits.VERSIONS,
        ),
        tasks=(
            "Find the cause from the evidence of the alerts and the servers' logs, and write it down here.",
            ("Keep the samples of this incident (leadline record), so that the signature can be added to Leadline."),
        ),
    ),
)
