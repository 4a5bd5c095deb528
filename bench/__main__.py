"""Measure everything: ``python -m bench``, or ``make bench``."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.fleet import STANDBYS
from bench.marks import surroundings
from bench.page import terminal, written
from bench.pipeline import record_bytes

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "build" / "bench.json"
PAGE = ROOT / "docs" / "performance.md"
PARTS: Mapping[str, list[str]] = {
    "pipeline": ["--repetitions=1", "--seconds=30"],
    "latency": ["--repetitions=1"],
    "core": [],
    "memory": [],
    "recovery": ["--only=10k"],
    "agent": ["--repetitions=1", "--seconds=15"],
    "compare": [],
    "prometheus": [],
    "audit": [],
    "console": ["--times=40"],
    "verify": ["--rows=200000", "--transactions=5000", "--planted=100"],
}
"""The parts, in the order in which they are measured, with the options that make each short."""

MONTHLY = 1000 * (1 + len(STANDBYS)) / len(STANDBYS) * 30 * 86_400
"""Looks in a month at the servers of 1,000 links, one a second at each."""


def part(name: str, options: list[str]) -> dict[str, float]:
    """Run one part; its flat numbers, none when it fails. Its own table and progress go to standard error."""
    print(f"{name} ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="leadline-") as folder:
        file = Path(folder, "numbers.json")
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(file), *options]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            print(f"{name} FAILED with status {done.returncode}: its numbers are missing", file=sys.stderr)
            return {}
        found = json.loads(file.read_text())
    return pipeline(found) if name == "pipeline" else found


def pipeline(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The rows of ``bench.pipeline`` as flat numbers."""
    ratio = {row["variant"]: row["ratio"] for row in rows}
    cpu_us = {row["variant"]: row["cpu_us"] for row in rows}
    look_bytes = record_bytes()
    return {
        "pipeline_to_bare_ratio": ratio["pipeline"],
        "pipeline_durable_to_bare_ratio": ratio["durable"],
        "vitals_to_bare_ratio": ratio["vitals"],
        "vitals_durable_to_bare_ratio": ratio["vitals_durable"],
        "faulty_to_bare_ratio": ratio["faulty"],
        "native_to_bare_ratio": ratio["native"],
        "vitals_record_bytes": look_bytes,
        "kafka_gb_per_month": MONTHLY * look_bytes / 1e9,
        "cpu_hours_per_month": MONTHLY * cpu_us["vitals"] / 1e6 / 3600,
        "stock_faust_to_bare_ratio": ratio["stock"],
        "pipeline_to_stock_faust_ratio": ratio["pipeline"] / ratio["stock"],
    }


def main() -> int:
    """Measure, merge, print; or write the last run into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition each; rough numbers")
    parser.add_argument("--page", action="store_true", help=f"write the last run into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.page:
        if not RESULT.exists():
            parser.error(f"there is no {RESULT.relative_to(ROOT)}: run python -m bench first")
        PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
        return 0
    found = [part(name, quick if options.quick else []) for name, quick in PARTS.items()]
    numbers = {key: value for each in found for key, value in each.items()} | surroundings() | {"quick": options.quick}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(numbers, indent=2) + "\n")
    print(*terminal(numbers), sep="\n")
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
