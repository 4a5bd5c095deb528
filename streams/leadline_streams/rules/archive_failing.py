"""``archive_failing``: the archiver fails or does not keep up, and WAL that is not archived is retained."""

from leadline.model.host import Archiver
from leadline.words import duration
from leadline_streams.engines.postgresql.archive import failed_last, hangs, has_no_command
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact

BACKLOG = 256
"""Segments that wait, 4 GiB at the default size. After a burst some wait; this many mean that archiving is too slow."""


def measure(context: NodeContext) -> float | None:
    """Failed attempts in the window while the newest attempt failed, at least 1.

    1 when too many segments wait, when no attempt ends, or when nothing is configured that could archive them.
    """
    node, archiver = context.node, _archiver(context.node)
    if archiver is None:
        return None
    if has_no_command(node):
        return 1.0
    if failed_last(archiver):
        return float(max(1, _failures(node, context.now)))
    return 1.0 if (node.unarchived or 0) >= BACKLOG or hangs(node, context.now) else None


def _archiver(node: NodeState) -> Archiver | None:
    return node.sample.archiver if node.sample is not None else None


def _failures(node: NodeState, now: float) -> int:
    window = node.windows.get("archive_failure")
    return window.count(now) if window is not None else 0


def describe(context: NodeContext, value: float) -> Words:
    """The segment that cannot be archived, and the number of those that wait behind it."""
    node = context.node
    archiver = _archiver(node) or Archiver()
    waiting = node.unarchived if node.unarchived is not None else "unknown"
    command = node.settings.get("archive_command")
    library = node.settings.get("archive_library")
    by = library if library is not None and library.value else command
    return Words(
        f"{node.name} archives nothing: archive_mode is on and archive_command is empty; its WAL is retained"
        if has_no_command(node)
        else f"{node.name} cannot archive {archiver.last_failed_wal}; its WAL is retained until it can"
        if failed_last(archiver)
        else f"{node.name} has archived nothing for {duration(context.now - node.archive_idle_since)}, and no attempt "
        f"has failed: {waiting} segments wait"
        if hangs(node, context.now)
        else f"{node.name} archives too slowly: {waiting} segments wait",
        [
            fact("failed", _failures(node, context.now), node.name, f"attempts in {duration(RULE.window_s)}"),
            fact("last_failed_wal", archiver.last_failed_wal, node.name),
            fact("last_archived_wal", archiver.last_archived_wal, node.name, _ago(archiver.last_archived_s)),
            fact("ready", waiting, node.name, "segments waiting"),
            *([fact("archive_command", by.value, node.name)] if by is not None else []),
        ],
    )


def _ago(seconds: float | None) -> str | None:
    return f"{duration(seconds)} ago" if seconds is not None else None


RULE = Rule(
    name="archive_failing",
    on=NodeContext,
    # The archiver tries three times a minute, and at every segment that is filled: 12 are four minutes, or less.
    limits=Limits(warning=1.0, critical=12.0, for_s=60.0, keep_s=30.0),
    measure=measure,
    describe=describe,
    window_s=300.0,
)
