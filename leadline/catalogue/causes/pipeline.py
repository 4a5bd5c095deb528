"""Causes about Leadline itself, and the cause of an incident that nothing explains."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CauseEntry

ENTRIES = (
    CauseEntry(
        code="sink_cannot_deliver",
        family="pipeline",
        help="a target of notifications has accepted none for a minute, or rejects them permanently",
        over="the target accepts deliveries again",
        explains=frozenset({"sink_failing"}),
        improvements=(
            "Give each route a second target at another vendor, so that one outage does not stop all notifications.",
        ),
        tasks=("Send each target a test notification with `leadline doctor --notify` after the repair.",),
    ),
    CauseEntry(
        code="unknown",
        family="pipeline",
        help="no known signature fits the samples",
        over="the alerts ended",
        explains=frozenset(),
        improvements=(
            habits.AUDIT,
            habits.VERSIONS,
        ),
        tasks=(
            "Find the cause from the evidence of the alerts and the server logs, and write it down here.",
            "Keep the samples of this incident (`leadline record`), so that its signature can be added to Leadline.",
        ),
    ),
)
