"""``archive_not_kept``: archive_mode is on, and archive_command succeeds without keeping the WAL."""

from leadline_streams.engines.postgresql.archive import not_kept
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """1 while the text of the command shows it."""
    return 1.0 if context.node.same_as is None and not_kept(context.node) is not None else None


def describe(context: NodeContext, value: float) -> Words:
    """The command, and what shows that it keeps nothing."""
    node = context.node
    command = node.settings.get("archive_command")
    archiver = node.sample.archiver if node.sample is not None else None
    return Words(
        f"archive_command on {node.name} may keep no WAL: {not_kept(node) or 'its text shows it'}",
        [
            fact("archive_command", command.value if command is not None else "unknown", node.name),
            *([fact("archived", archiver.archived, node.name, "segments, as counted")] if archiver is not None else []),
        ],
    )


RULE = Rule(
    name="archive_not_kept",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)
