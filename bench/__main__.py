"""Measure everything, or some parts: ``python -m bench``, or ``make bench``.

The figures of the page are in ``bench/measured.json``, each with its day: a run replaces those that it measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.marks import surroundings
from bench.page import QUICK, Figure, merged, terminal, written
from bench.pipeline import record_bytes

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "build" / "bench.json"
MEASURED = ROOT / "bench" / "measured.json"
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
    """The rows of ``bench.pipeline`` as flat numbers; it may have been asked for some of the variants."""
    ratio = {row["variant"]: row["ratio"] for row in rows}
    cpu_ratio = {row["variant"]: row["cpu_ratio"] for row in rows}
    keys = {
        "pipeline": "pipeline_to_bare_ratio",
        "durable": "pipeline_durable_to_bare_ratio",
        "vitals": "vitals_to_bare_ratio",
        "vitals_durable": "vitals_durable_to_bare_ratio",
        "faulty": "faulty_to_bare_ratio",
        "stock": "stock_faust_to_bare_ratio",
    }
    found = {keys[variant]: value for variant, value in ratio.items() if variant in keys}
    cpu_keys = {"native": "native_cpu_to_bare_ratio", "compiled": "compiled_cpu_to_bare_ratio"}
    found |= {cpu_keys[variant]: 1 / value for variant, value in cpu_ratio.items() if variant in cpu_keys}
    if {"pipeline", "stock"} <= ratio.keys():
        found["pipeline_to_stock_faust_ratio"] = ratio["pipeline"] / ratio["stock"]
    return found | {"vitals_record_bytes": record_bytes()}


def read(file: Path) -> dict[str, Figure]:
    """The figures that the page has."""
    return {key: Figure(**kept) for key, kept in json.loads(file.read_text()).items()}


def keep(file: Path, figures: Mapping[str, Figure]) -> None:
    """Write the figures, sorted."""
    kept = {key: figure._asdict() for key, figure in sorted(figures.items())}
    file.write_text(json.dumps(kept, indent=1) + "\n")


def publish(run: Mapping[str, Any]) -> None:
    """Add a run to the figures and write the page."""
    figures = merged(read(MEASURED), run)
    keep(MEASURED, figures)
    PAGE.write_text(written(PAGE.read_text(), figures))


def main() -> int:
    """Measure, print, keep the run; or write the last run into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one repetition each; rough numbers")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="measure these parts")
    parser.add_argument("--page", action="store_true", help=f"write the last run into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.page:
        if not RESULT.exists():
            parser.error(f"there is no {RESULT.relative_to(ROOT)}: run python -m bench first")
        publish(json.loads(RESULT.read_text()))
        return 0
    found = [part(name, PARTS[name] if options.quick else []) for name in options.only]
    numbers = {key: value for each in found for key, value in each.items()} | surroundings() | {QUICK: options.quick}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(numbers, indent=2) + "\n")
    print(*terminal(numbers), sep="\n")
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
