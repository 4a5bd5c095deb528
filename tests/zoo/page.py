"""The page that publishes the zoo: ``python -m tests.zoo.page`` writes the last run of ``make zoo`` into it."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.marks import between
from tests.zoo.score import RESULT, seconds, summary, version_key

PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"
BEGIN = "<!-- begin: make zoo -->"
END = "<!-- end -->"


def written(page: str, found: Mapping[str, Any]) -> str:
    """The page with this run between its marks. Raises ValueError when it has none."""
    return between(page, BEGIN, END, _table(found))


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Measured on {found['measured_on']}; {found['machine']}, {found['python']}."
    yield ""
    yield from (f"- {line}." for line in summary(found))
    yield ""
    yield "| fault | PostgreSQL | rule | cause | detected | cause first | pages | resolved |"
    yield "|---|---|---|---|---:|---:|---:|---:|"
    for fault in sorted((fault for fault in found["faults"] if not fault["form"]), key=_order):
        detected, resolved = seconds(fault["detected_s"]), seconds(fault["resolved_s"])
        cause = seconds(fault["cause_s"]) if fault["ranked_first"] else "**no**"
        yield (
            f"| {_words(fault['fault'])} | {fault['server_version']} | `{fault['rule']}` | `{fault['expected_cause']}` "
            f"| {detected} | {cause} | {fault['pages']} | {resolved} |"
        )
    others = sorted((fault for fault in found["faults"] if fault["form"]), key=_order)
    if others:
        yield ""
        yield "| fault | form | PostgreSQL | cause | cause first | one look names |"
        yield "|---|---|---|---|---:|---|"
    for fault in others:
        cause = seconds(fault["cause_s"]) if fault["ranked_first"] else "**no**"
        looked = (f"`{fault['looked']}`" if fault["looked"] else "none") if "late" in fault["form"] else ""
        yield (
            f"| {_words(fault['fault'])} | {fault['form']} | {fault['server_version']} | `{fault['expected_cause']}` "
            f"| {cause} | {looked} |"
        )
    yield ""
    yield "| control | raised nothing on PostgreSQL | |"
    yield "|---|---|---|"
    for name in sorted({each["control"] for each in found["controls"]}):
        of = [each for each in found["controls"] if each["control"] == name]
        healthy = ", ".join(sorted((each["server_version"] for each in of if each["silent"]), key=version_key))
        bad = ", ".join(sorted((each["server_version"] for each in of if not each["silent"]), key=version_key))
        yield f"| {_words(name)} | {healthy} | {f'**but did on {bad}**' if bad else ''} |"


def _order(fault: Mapping[str, Any]) -> tuple[str, str, list[int]]:
    return fault["fault"], fault["form"], version_key(fault["server_version"])


def _words(name: str) -> str:
    return name.replace("_", " ")


def main() -> None:
    """Write the last run into the page."""
    if not RESULT.exists():
        sys.exit(f"there is no {RESULT.name}: run make zoo first")
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))


if __name__ == "__main__":
    main()
