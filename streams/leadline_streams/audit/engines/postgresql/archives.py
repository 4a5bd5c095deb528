"""Rules about the WAL archive."""

from collections.abc import Iterator

from leadline_streams.audit.engines.postgresql.common import DOCS, WAL, is_physical, is_primary, look, say, set_to
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.archive import failed_last, keeps_nothing

WAITING = 100
"""Segments that wait to be archived."""


def archives(node: AuditedNode) -> bool:
    """Whether a server archives WAL in its present role: a standby only with ``always``."""
    mode = node.text("archive_mode")
    return mode == "always" or (mode == "on" and node.is_primary)


@audit_rule(
    "PG-ARC-001",
    "Archiving fails",
    "node",
    "critical",
    reads=("pg_stat_archiver",),
    condition="the newest attempt to archive a segment failed",
    why="Every segment that is not archived stays in pg_wal, until the disk is full and the server stops. Backups "
    "cannot be "
    "restored to a time after it.",
    reference=f"{DOCS}continuous-archiving.html#BACKUP-ARCHIVING-WAL",
    applies=archives,
)
def failing(node: AuditedNode) -> Iterator[Violation]:
    """Until one succeeds."""
    node.seen("archiver")
    archiver = node.sample.archiver
    if archiver is not None and failed_last(archiver):
        yield Violation(
            f"{node.name} cannot archive {archiver.last_failed_wal}",
            node.evidence("archive_command"),
            (
                look(node.name, "SELECT * FROM pg_stat_archiver"),
                say(node.name, "The server log has the output of archive_command; correct what it says", "look"),
            ),
        )


@audit_rule(
    "PG-ARC-002",
    "Nothing archives the WAL that is kept for it",
    "node",
    "critical",
    reads=("archive_mode", "archive_command", "archive_library"),
    condition="a server archives, and `archive_command` and `archive_library` are both empty",
    why="It keeps every segment for a command that is not there, and counts no failure, until the disk is full.",
    effect="reload",
    reference=f"{WAL}ARCHIVE-COMMAND",
    applies=archives,
)
def no_command(node: AuditedNode) -> Iterator[Violation]:
    """Not on a standby, which archives nothing with ``on``: https://github.com/wal-g/wal-g/issues/982."""
    if not node.text("archive_command") and not node.text("archive_library"):
        yield Violation(
            f"{node.name} keeps all WAL for an archive: archive_command is empty",
            node.evidence("archive_mode", "archive_command", "archive_library"),
            (
                say(
                    node.name,
                    "Set archive_command to the command of your backup program, and reload; where no archive is "
                    "wanted, set archive_mode to off with the next restart",
                ),
            ),
        )


@audit_rule(
    "PG-ARC-003",
    "The archive command keeps nothing",
    "node",
    "warning",
    reads=("archive_command",),
    condition="`archive_command` succeeds without keeping the segment, by its text",
    why="The server believes that its WAL is archived and removes it. No backup can be rolled forward, and no "
    "standby can "
    "catch up from the archive.",
    effect="reload",
    reference=f"{WAL}ARCHIVE-COMMAND",
    applies=archives,
)
def command_keeps_nothing(node: AuditedNode) -> Iterator[Violation]:
    """Such as ``/bin/true``. A program of somebody's own may do anything."""
    command = node.text("archive_command")
    reason = keeps_nothing(command) if command and not node.text("archive_library") else None
    if reason is not None:
        yield Violation(
            f"the archive of {node.name} gets nothing: archive_command is {command.partition(' #')[0]}",
            node.evidence("archive_mode", "archive_command"),
            (
                say(
                    node.name,
                    "Set archive_command to the command of your backup program, and reload, then take a new base "
                    "backup; where no archive is wanted, set archive_mode to off with the next restart",
                ),
            ),
        )


@audit_rule(
    "PG-ARC-004",
    "A standby does not archive after a failover",
    "link",
    "warning",
    reads=("archive_mode",),
    condition="`archive_mode` is on at the upstream and off at its standby",
    why="After a promotion of the standby nothing archives, and turning it on needs a restart: backups cannot be "
    "rolled forward over the failover.",
    effect="restart",
    reference=f"{WAL}ARCHIVE-MODE",
    applies=is_physical,
)
def archive_off_on_standby(link: AuditedLink) -> Iterator[Violation]:
    """The command may be empty there until then; that a reload sets."""
    if link.up.text("archive_mode") in ("on", "always") and link.down.text("archive_mode") == "off":
        yield Violation(
            f"{link.down.name} would not archive after a failover: archive_mode is off there and "
            f"{link.up.text('archive_mode')} on {link.up.name}",
            (*link.up.evidence("archive_mode"), *link.down.evidence("archive_mode")),
            set_to(link.down, "archive_mode", "on", restart=True),
        )


@audit_rule(
    "PG-ARC-005",
    "Segments wait to be archived",
    "node",
    "warning",
    reads=("pg_ls_archive_statusdir()",),
    condition=f"{WAITING} segments or more wait to be archived",
    why="Archiving is slower than writing. The segments stay in pg_wal, and what is not archived is lost with the "
    "server.",
    reference=f"{DOCS}continuous-archiving.html#BACKUP-ARCHIVING-WAL",
    applies=is_primary,
)
def waiting(node: AuditedNode) -> Iterator[Violation]:
    """PG-ARC-001 and PG-ARC-002 say why, where they find something."""
    archiver = node.sample.archiver
    if archiver is None or not archives(node):
        return
    node.seen("archiver.ready")
    if archiver.ready is not None and archiver.ready >= WAITING and not failed_last(archiver):
        yield Violation(
            f"{archiver.ready} segments of {node.name} wait to be archived",
            node.evidence("archive_command"),
            (
                look(node.name, "SELECT * FROM pg_stat_archiver"),
                say(node.name, "Make archiving faster, or in parallel", "look"),
            ),
        )


@audit_rule(
    "PG-ARC-006",
    "A standby reads an archive that nobody fills",
    "link",
    "info",
    reads=("restore_command", "archive_mode"),
    condition="a standby has a `restore_command`, and `archive_mode` is off at the primary that it follows",
    why="The archive looks like a second source of WAL and has none: the standby has to be built anew after an "
    "outage for "
    "which streaming does not suffice.",
    effect="restart",
    reference=f"{WAL}RESTORE-COMMAND",
    applies=is_physical,
)
def archive_not_filled(link: AuditedLink) -> Iterator[Violation]:
    """An archive that pg_receivewal fills needs no archive_mode."""
    if not link.up.is_primary or not link.down.text("restore_command") or link.up.text("archive_mode") != "off":
        return
    link.up.seen("downstreams")
    receives = any(row.kind == "backup" for row in link.up.sample.downstreams)
    if not receives:
        yield Violation(
            f"{link.down.name} reads WAL from an archive, and {link.up.name} does not archive",
            (*link.down.evidence("restore_command"), *link.up.evidence("archive_mode")),
            (
                say(
                    link.up.name,
                    f"Where nothing else fills the archive: set archive_mode to on and archive_command on "
                    f"{link.up.name}, with a restart; or take restore_command out on {link.down.name}",
                ),
            ),
        )
