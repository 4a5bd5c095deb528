"""The result in a few lines: times, files, and the next commands."""

from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from leadline.logs import escape
from leadline.words import duration

TIMES: Final = {
    "detected_after_s": "from the injection to the incident",
    "cause_named_after_s": "from the injection to its cause",
    "paged_after_s": "from the injection to the page",
    "rows_lost_found_after_s": "from the skipped conflict to the rows that it lost, with their keys",
    "resolved_after_fix_s": "from the last repair to the end of both incidents",
}
"""The meaning of each time in the report."""
NEXT: Final = (
    ("leadline watch DSN DSN…", "the same view over your own servers"),
    ("leadline check DSN DSN…", "one check of your own servers"),
    ("docs/tutorial/first-ten-minutes.md", "this demo, step by step"),
)


def summary(report: dict[str, Any], files: tuple[str, ...]) -> Group:
    """For a terminal."""
    times = Table.grid(padding=(0, 2, 0, 0))
    for value, meaning in _times(report):
        times.add_row(Text(value, "bold"), meaning)
    return Group(
        *(Text(escape(line), "bold green" if report["ok"] else "bold red") for line in _verdict(report)),
        times,
        *(Text(escape(line)) for line in _rest(report, files)),
    )


def plain(report: dict[str, Any], files: tuple[str, ...]) -> list[str]:
    """For a pipe."""
    times = [f"{value:>9}  {meaning}" for value, meaning in _times(report)]
    return [escape(line) for line in (*_verdict(report), *times, *_rest(report, files))]


def _verdict(report: dict[str, Any]) -> list[str]:
    if report["ok"]:
        return [
            "Every step was observed: two problems, each with its incident, cause, page and Slack message; and the",
            "rows that were lost when a conflict was skipped, in the incident of that conflict.",
        ]
    return ["Not every step was observed. Missing:", *(f"  {text}" for text in report["missing"])]


def _times(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(duration(report[name]), meaning) for name, meaning in TIMES.items()]


def _rest(report: dict[str, Any], files: tuple[str, ...]) -> list[str]:
    named = [f"cause  {report['cause']}: {report['cause_summary']}"] if report["cause"] else []
    kept = [f"wrote  {file}" for file in files] or [
        "keep   --report FILE writes this as JSON, and the draft of the post-mortem beside it"
    ]
    return [*named, *kept, *(f"next   {command}: {purpose}" for command, purpose in NEXT)]
