"""How it ended, in a few lines: times, files, and what to do next."""

from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from leadline.logs import escape
from leadline.words import duration

TIMES: Final = {
    "detected_after_s": "to the incident",
    "cause_named_after_s": "to its cause",
    "paged_after_s": "to the page",
    "resolved_after_fix_s": "from the fix to the end",
}
"""What each time of the report is."""
NEXT: Final = (
    ("leadline watch DSN DSN…", "the same over servers you have"),
    ("leadline check DSN DSN…", "one look at them"),
    ("docs/tutorial/first-ten-minutes.md", "what you have just seen, step by step"),
)


def summary(report: dict[str, Any], files: tuple[str, ...]) -> Group:
    """For a terminal."""
    times = Table.grid(padding=(0, 2, 0, 0))
    for value, what in _times(report):
        times.add_row(Text(value, "bold"), what)
    return Group(
        *(Text(escape(line), "bold green" if report["ok"] else "bold red") for line in _verdict(report)),
        times,
        *(Text(escape(line)) for line in _rest(report, files)),
    )


def plain(report: dict[str, Any], files: tuple[str, ...]) -> list[str]:
    """For a pipe."""
    times = [f"{value:>9}  {what}" for value, what in _times(report)]
    return [escape(line) for line in (*_verdict(report), *times, *_rest(report, files))]


def _verdict(report: dict[str, Any]) -> list[str]:
    if report["ok"]:
        return ["Everything was observed through the pipeline: one incident, one page, one Slack message, one cause."]
    return ["Not everything was observed. Missing:", *(f"  {text}" for text in report["missing"])]


def _times(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(duration(report[name]), what) for name, what in TIMES.items()]


def _rest(report: dict[str, Any], files: tuple[str, ...]) -> list[str]:
    named = [f"cause  {report['cause']}: {report['cause_summary']}"] if report["cause"] else []
    kept = [f"wrote  {file}" for file in files] or [
        "keep   --report FILE: this as JSON, and the draft of the post-mortem"
    ]
    return [*named, *kept, *(f"next   {what}: {why}" for what, why in NEXT)]
