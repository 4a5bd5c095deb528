"""``archive_not_kept``: archive_command reports success for WAL that it does not keep."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.archive import not_kept
from leadline_streams.engines.postgresql.statements import show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that archives, and a command whose text shows that the segment is not kept."""
    for node in context.nodes:
        reason = not_kept(node) if node.answers and node.same_as is None else None
        if reason is None:
            continue
        command = context.shown(node, "archive_command")
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9,
            title=f"{node.name} archives to nowhere",
            summary=f"archive_mode is on and archive_command = {command!r} on {node.name}: {reason}. Each segment "
            "counts as archived and may be removed: no standby can fetch it again, and no backup can be restored to a "
            "point after it",
            steps=[
                show_settings(node.name, "archive_mode", "archive_command", "archive_library"),
                Step(
                    risk="look",
                    text=f"Ask whether {node.name} is to have an archive. Where it is not, this is a placeholder that "
                    "does no harm: switch archive_not_kept off for it. Where it is, set archive_command to a command "
                    "that fails unless the segment is safe, reload the settings, and then take a base backup",
                ),
            ],
            evidence_for=[fact("archive_command", command, node.name, reason)],
        )


CAUSE = CauseRule(
    code="archive_not_kept",
    find=find,
)
