"""Rules of family sync: commits that wait for standbys."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="sync_commit_blocked",
        family="sync",
        on="node",
        unit="s",
        help="Seconds that the oldest commit has waited for synchronous standbys.",
        impact="Commits on the primary waited, and with them the applications.",
        over="commits on {node} no longer wait for synchronous standbys",
        waits_below=True,
    ),
    RuleEntry(
        code="sync_degraded",
        family="sync",
        on="node",
        unit="standbys",
        help="Synchronous standbys that `synchronous_standby_names` requires and that are not connected.",
        impact="Fewer servers confirmed each commit than were required.",
        over="the synchronous standbys of {node} are connected",
        waits_below=True,
    ),
)
