"""A situation that somebody reported in public, and the record of the answer to it."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULT = Path(__file__).parents[2] / "build" / "wild.jsonl"
"""One line per test, of the last run; ``make wild`` starts with none."""


@dataclass(frozen=True)
class Answer:
    """The answer that a test got."""

    number: int
    """Of the situation. Several tests may share one."""
    title: str
    sources: Sequence[str]
    """Public reports, such as ``postgres_exporter#97``."""
    test: str
    server_version: str
    given: str
    """The sentence, code or state that answers the situation; ``nothing`` for a control."""
    after_s: float | None
    """Seconds from the break, or from the start where the break came before it; None for a control."""
    passed: bool


def record(answer: Answer) -> None:
    """Add a line to the result. Several processes may do so at the same time."""
    RESULT.parent.mkdir(exist_ok=True)
    line = (json.dumps(asdict(answer)) + "\n").encode()
    descriptor = os.open(RESULT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def recorded() -> list[Answer]:
    """The answers of the last run."""
    lines = RESULT.read_text().splitlines() if RESULT.exists() else []
    return [Answer(**json.loads(line)) for line in lines]
