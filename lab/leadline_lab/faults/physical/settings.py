"""Settings that differ between primary and standby, or that do not work."""

import re
from typing import Final

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair, make_pair_by_archive
from leadline_lab.sandbox.workload import write_wal

FETCH_S: Final = 30.0
"""A standby may ask an archive for a segment several times before it has it."""


@fault(
    make_pair,
    Expected(
        rule="config_mismatch",
        cause="config_changed",
        change=("wal_level on pg-2 was changed from logical to replica",),
    ),
    # A change is known to those who looked before it; that the two differ, to everybody.
    late=Expected(
        rule="config_mismatch",
        cause="settings_differ",
        summary=("wal_level is replica on pg-2 and logical on pg-1",),
        fix=("ALTER SYSTEM SET wal_level = logical",),
    ),
    restarts=True,
)
def wal_level_lower_on_standby(pair: Pair) -> Course:
    """wal_level is lower on the standby: replication goes on, and no subscriber could follow it after a promotion."""
    yield Prepared()
    pair.standby.configure(wal_level="replica")
    pair.standby.restart()
    yield Injected()
    pair.standby.configure(wal_level=None)
    pair.standby.restart()
    yield Healed()


@fault(
    make_pair,
    Expected(
        rule="archive_failing",
        cause="archiver_failing",
        change=("archive_command on pg-1 was changed from test", "to false"),
        resolved_within_s=90.0,
    ),
)
def archiver_fails(pair: Pair) -> Course:
    """archive_command was changed to a command that fails."""
    pair.primary.configure(archive_mode="on", archive_command="test -r %p")
    pair.primary.restart()
    yield Prepared()
    pair.primary.configure(archive_command="false")
    pair.primary.execute("SELECT pg_logical_emit_message(true, 'leadline', 'x')", "SELECT pg_switch_wal()")
    yield Injected()
    pair.primary.configure(archive_command="test -r %p")
    yield Healed()
    pair.primary.configure(archive_command=None, archive_mode=None)
    pair.primary.restart()


@fault(make_pair, Expected(rule="archive_not_kept", cause="archive_not_kept", within_s=30.0, resolved_within_s=90.0))
def archive_keeps_nothing(pair: Pair) -> Course:
    """archive_command was set to a program that succeeds and does nothing."""
    pair.primary.configure(archive_mode="on", archive_command="test -r %p")
    pair.primary.restart()
    yield Prepared()
    pair.primary.configure(archive_command="/bin/true")
    yield Injected()
    pair.primary.configure(archive_command="test -r %p")
    yield Healed()
    pair.primary.configure(archive_command=None, archive_mode=None)
    pair.primary.restart()


@fault(
    make_pair,
    Expected(
        rule="writes_refused",
        cause="default_read_only",
        summary=("every database of pg-1",),
        change=("default_transaction_read_only on pg-1 was changed from off to on",),
        fix=("ALTER SYSTEM RESET default_transaction_read_only",),
        within_s=30.0,
    ),
)
def primary_read_only_by_settings(pair: Pair) -> Course:
    """default_transaction_read_only was switched on for the primary, and applications cannot write."""
    yield Prepared()
    pair.primary.configure(default_transaction_read_only="on")
    yield Injected()
    pair.primary.configure(default_transaction_read_only=None)
    yield Healed()


@fault(
    make_pair_by_archive,
    Expected(
        rule="replication_cut_off",
        cause="archive_broken_for_standby",
        summary=("restore_command on pg-2 fails, or the archive lacks ",),
        within_s=60.0,
        resolved_within_s=60.0,
    ),
    own_servers=True,
    shows_after_s=FETCH_S,
)
def restore_command_fails(pair: Pair) -> Course:
    """A standby that is fed by the archive alone gets nothing from it: restore_command was changed."""
    before = pair.standby.value("SHOW restore_command")
    yield Prepared()
    pair.standby.configure(restore_command="false")
    write_wal(pair.primary, segments=3)
    pair.primary.configure(archive_timeout="60s")  # so that what looking writes is not archived at once
    yield Injected()
    pair.standby.configure(restore_command=before)
    pair.primary.configure(archive_timeout="2s")
    yield Healed()


@fault(
    make_pair,
    Expected(
        rule="slot_sync_off",
        cause="slot_sync_misconfigured",
        summary=("primary_conninfo has no dbname, hot_standby_feedback is off",),
        fix=("Add dbname=<database> to primary_conninfo of pg-2",),
    ),
    since=17,
    needs_slot=True,
)
def slot_sync_without_dbname(pair: Pair) -> Course:
    """A standby is to synchronize logical slots, and neither its primary_conninfo nor its feedback allows that."""
    standby = pair.standby
    before = standby.value("SHOW primary_conninfo")
    yield Prepared()
    standby.configure(primary_conninfo=without_dbname(before))
    standby.configure(sync_replication_slots="on", hot_standby_feedback="off")
    yield Injected()
    standby.configure(primary_conninfo=before, hot_standby_feedback="on")
    yield Healed()
    standby.configure(sync_replication_slots=None, hot_standby_feedback=None)


def without_dbname(conninfo: str) -> str:
    """A connection string as tools for standbys write it: streaming needs no database."""
    return re.sub(r"\s*dbname=\S+", "", conninfo)
