"""The page of the situations: ``python -m tests.wild.page`` writes the last run of ``make wild`` into it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.marks import between
from tests.wild.case import Answer, recorded

PAGE = Path(__file__).parents[2] / "docs" / "wild.md"
BEGIN = "<!-- begin: make wild -->"
END = "<!-- end -->"


def written(page: str, answers: Sequence[Answer]) -> str:
    """The page with these answers between its marks. Raises ValueError when it has none."""
    return between(page, BEGIN, END, _table(answers))


def _table(answers: Sequence[Answer]) -> Iterator[str]:
    right = sum(answer.passed for answer in answers)
    yield f"{right} of {len(answers)} right."
    yield ""
    yield "| no. | situation | source | PostgreSQL | answer | after |"
    yield "|---:|---|---|---|---|---:|"
    for answer in sorted(answers, key=lambda each: (each.number, each.test)):
        given = _cell(answer.given) if answer.passed else f"**wrong**: {_cell(answer.given)}"
        after = "" if answer.after_s is None else f"{answer.after_s:.1f} s"
        sources = _cell(", ".join(answer.sources))
        yield f"| {answer.number} | {_cell(answer.title)} | {sources} | {answer.server_version} | {given} | {after} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main() -> None:
    """Write the last run into the page."""
    answers = recorded()
    if not answers:
        sys.exit("there is no answer on record: run make wild first")
    PAGE.write_text(written(PAGE.read_text(), answers))


if __name__ == "__main__":
    main()
