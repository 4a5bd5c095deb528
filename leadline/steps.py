"""The steps of a fix as one line of text."""

from collections.abc import Iterable
from itertools import groupby

from leadline.model.incident import Step


def place_of(step: Step) -> str:
    """Where a step is done, for people: ``pg-2, database app``; empty where it says no server."""
    if step.node is None:
        return ""
    return f"{step.node}, database {step.database}" if step.database else str(step.node)


def fix_of(steps: Iterable[Step]) -> str:
    """All steps in order, those of one place together: ``On pg-2: SELECT pg_wal_replay_resume();``."""
    parts = []
    for place, group in groupby(steps, key=place_of):
        said = " ".join(_said(step) for step in group)
        parts.append(f"On {place}: {said}" if place else said)
    return " ".join(parts)


def _said(step: Step) -> str:
    if step.sql is not None:
        return step.sql if step.sql.endswith(";") else f"{step.sql};"
    text = step.text or ""
    return text if text.endswith((".", ":", ";", "?")) else f"{text}."
