"""The page that publishes the faults: ``make reliability`` writes the last ``make faults`` into it, by this module."""

import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.marks import between

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "build" / "faults.json"

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- begin: make reliability -->"
END = "<!-- end -->"

FAULTS = {
    "agent_killed": "agent killed (-9) at random instants, every other time with Kafka frozen",
    "worker_killed": "worker killed (-9) at random instants",
    "workers_moving": "two workers: join, be frozen, leave, join, be killed (-9)",
    "workers_frozen": "two workers, of which one is frozen in turn until the other has all partitions, and goes on",
    "broker_restarted": "the only broker restarted (SIGTERM)",
    "broker_killed": "the only broker killed (-9) and started again",
    "broker_away": "the only broker away for a minute",
    "broker_frozen": "the only broker frozen (SIGSTOP) for 15 s",
    "one_of_three_killed": "one of three brokers killed (-9), back after 8 s",
    "sink_killed": "sink killed (-9) at random instants",
    "sinks_frozen": "a sink frozen in the midst of a delivery until another has sent the end; it goes on",
    "sinks_moving": "two sinks: join and leave while PagerDuty takes nine seconds for a page",
}
"""Everything that is done, in the order of the page."""

COLUMNS = {
    "observations": "observations",
    "lost": "lost",
    "disordered": "out of order",
    "repeated": "twice in the topic",
    "judgements": "judgements",
    "judgements_lost": "lost",
    "judgements_different": "different",
    "judgements_disordered": "out of order",
    "judgements_repeated": "twice in the topic",
    "keys": "keys",
    "stale": "stale value last",
    "set_back": "states set back",
    "restarts": "worker exited by itself",
}
"""The numbers of a row and their titles; what a fault does not touch is not counted."""

PEOPLE = {
    "incidents": "incidents",
    "pages": "pages",
    "missing": "not notified",
    "unended": "left open",
    "reopened": "reopened",
    "disordered_notifications": "out of order",
    "needless": "repeated without reason",
    "messages_again": "Slack messages repeated",
    "lines_again": "thread lines repeated",
    "pages_again": "triggers repeated",
    "late": "requests after the successor's",
    "deliveries_back": "deliveries set back",
}
"""The same for notifications, which have a table of their own."""


def line(row: Mapping[str, Any]) -> str:
    """A row for a terminal."""
    counted = (f"{name.replace('_', ' ')} {row[name]:,}" for name in (*COLUMNS, *PEOPLE) if name in row)
    return f"{row['fault']}: {', '.join(counted)}"


def written(page: str, found: Mapping[str, Any]) -> str:
    """The page with this run between its marks. Raises ValueError when it has none."""
    rows = list(_table(found))
    return between(page, BEGIN, END, [*rows, "", seal(rows)])


def seal(rows: Sequence[str]) -> str:
    """A comment that only rows as they were written have: what was counted is not edited."""
    return f"<!-- rows: {zlib.crc32(chr(10).join(rows).encode()):08x} -->"


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Counted on {found['measured_on']}; {found['machine']}, {found['python']}, {found['kafka']}."
    for columns in (COLUMNS, PEOPLE):
        rows = [row for row in found["faults"] if columns.keys() & row.keys()]
        if rows:
            yield ""
            yield f"| fault | times | {' | '.join(columns.values())} |"
            yield f"|---|{'---:|' * (1 + len(columns))}"
        for row in sorted(rows, key=lambda row: list(FAULTS).index(row["fault"])):
            cells = (f"{row[name]:,}" if name in row else "" for name in columns)
            yield f"| {FAULTS[row['fault']]} | {row['times']} | {' | '.join(cells)} |"


def main() -> None:
    """Write the last run into the page, if it was one of everything."""
    if not RESULT.exists():
        sys.exit(f"there is no {RESULT.relative_to(ROOT)}: run make reliability first")
    found = json.loads(RESULT.read_text())
    if missing := FAULTS.keys() - {row["fault"] for row in found["faults"]}:
        sys.exit(f"the last run did not count {', '.join(sorted(missing))}: run make reliability")
    PAGE.write_text(written(PAGE.read_text(), found))


if __name__ == "__main__":
    main()
