"""Causes about commits that wait for a standby."""

from leadline.catalogue.entry import APART, SLOW, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="sync_remote_apply_slow",
        family="commits",
        help="commits wait under remote_apply for a synchronous standby that has flushed and not replayed",
        over="commits no longer wait for replay",
        explains=frozenset({"sync_commit_blocked"}),
        follows=SLOW,
        improvements=(
            ("Use synchronous_commit = on where what was committed must be safe; remote_apply where it must be seen."),
        ),
        tasks=("Find out what held replay up on the synchronous standby.",),
    ),
    CauseEntry(
        code="sync_standby_missing",
        family="commits",
        help=(
            "fewer streaming standbys are sync or quorum than synchronous_standby_names asks for, or one of them is a "
            "program that receives WAL for backups"
        ),
        over="the synchronous standbys are connected again",
        explains=frozenset({"sync_commit_blocked", "sync_degraded"}),
        follows=APART,
        improvements=(
            Measure(
                "Name more standbys in synchronous_standby_names than it asks for: ANY 1 (a, b). Not *: backups count.",
                "PG-SYNC-002",
            ),
        ),
        tasks=("Find out why the synchronous standby was away, and how long commits waited.",),
    ),
)
