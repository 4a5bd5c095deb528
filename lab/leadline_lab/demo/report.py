"""What came of a play, for programs: CONTRACT section 4, and what each step showed."""

from datetime import datetime
from pathlib import Path
from typing import Any

from leadline_lab.demo.observed import Seen
from leadline_lab.demo.progress import Story


def report(
    story: Story, seen: Seen, injected_at: datetime | None, postgres: str, postmortem: Path | None
) -> dict[str, Any]:
    """``ok`` is true only when every step was observed through the pipeline. Times are null where nothing was seen."""
    incident, causes = seen.incident, seen.causes
    return {
        "scenario": story.scenario.name,
        "ok": story.ok,
        "broker": "embedded",
        "postgres": postgres,
        "injected_at": injected_at,
        "detected_after_s": story.between("injected", "detected"),
        "cause_named_after_s": story.between("injected", "named"),
        "paged_after_s": story.between("injected", "paged"),
        "cause": causes[0].code if causes else None,
        "cause_summary": causes[0].summary if causes else None,
        "expected_cause": story.scenario.expected_cause,
        "incident": incident.incident_id if incident is not None else None,
        "pages_sent": seen.pages,
        "slack_messages": seen.messages,
        "slack_edits": len(seen.arrived("slack", "update")),
        "incident_rows": len(seen.logged),
        "resolved_after_fix_s": story.between("fixed", "resolved"),
        "postmortem": str(postmortem) if postmortem is not None else None,
        "steps": len(story.scenario.steps),
        "steps_observed": story.done if story.ok else max(0, story.done - 1),
        "missing": story.missing,
    }


def draft_beside(file: Path) -> Path:
    """Where the draft of the post-mortem goes: ``demo-report.json`` has ``demo-postmortem.md`` beside it."""
    stem = file.stem.removesuffix("report").rstrip("-_.")
    return file.with_name(f"{stem}-postmortem.md" if stem else "postmortem.md")
