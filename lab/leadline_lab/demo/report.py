"""The result of a demo for programs, as ``--report`` writes it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from leadline_lab.demo.observed import Observed
from leadline_lab.demo.progress import Progress


def report(
    progress: Progress, observed: Observed, injected_at: datetime | None, postgres: str, postmortems: Sequence[Path]
) -> dict[str, Any]:
    """``ok`` is true only when every step was observed through the pipeline. A time that was not observed is null.

    ``postmortems``: the files with the drafts, in the order of the incidents.
    """
    incident = observed.incident
    causes = incident.causes if incident is not None else []
    return {
        "scenario": progress.scenario.name,
        "ok": progress.ok,
        "broker": "embedded",
        "postgres": postgres,
        "injected_at": injected_at,
        "detected_after_s": progress.between("injected", "detected"),
        "cause_named_after_s": progress.between("injected", "named"),
        "paged_after_s": progress.between("injected", "paged"),
        "cause": causes[0].code if causes else None,
        "cause_summary": causes[0].summary if causes else None,
        "expected_cause": progress.scenario.expected_cause,
        "incident": incident.incident_id if incident is not None else None,
        "incidents": [
            {
                "incident": one.incident_id,
                "title": one.title,
                "cause": one.causes[0].code,
                "state": one.state,
                "rules": one.rules,
                "also": [cause.code for cause in one.causes[1:]],
            }
            for one in observed.incidents
        ],
        "rows_lost_found_after_s": progress.between("skipped", "found"),
        "pages_sent": observed.pages,
        "slack_messages": observed.messages,
        "slack_edits": len(observed.received("slack", "update")),
        "incident_rows": len(observed.logged),
        "resolved_after_fix_s": progress.between("repaired", "resolved"),
        "postmortem": str(postmortems[0]) if postmortems else None,
        "postmortems": [str(file) for file in postmortems],
        "steps": len(progress.scenario.steps),
        "steps_observed": progress.done if progress.ok else max(0, progress.done - 1),
        "missing": progress.missing,
    }


def draft_beside(file: Path, number: int = 1) -> Path:
    """The file for the draft of a post-mortem: ``demo-report.json`` has ``demo-postmortem.md`` beside it, and
    ``demo-postmortem-2.md`` for the second incident."""
    stem = file.stem.removesuffix("report").rstrip("-_.")
    name = "postmortem" if number == 1 else f"postmortem-{number}"
    return file.with_name(f"{stem}-{name}.md" if stem else f"{name}.md")
