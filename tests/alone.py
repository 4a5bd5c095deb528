"""Run tests many at once, and those that fail twice more, alone: ``python -m tests.alone NAME PYTEST-ARGUMENT…``.

Many tests on servers at once make a small machine slow, and a wait that is long enough for one test alone is not for
six. A test that failed beside others and passes twice alone is named in a line that begins with ``ALONE``, and the run
counts as passed: the line asks somebody to find out whether the test or Leadline is at fault. A test that fails alone
too fails the run, and so do more than five at once, without a second try.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 5
TURNS = 2
SOME_FAILED = 1
"""pytest's exit code when tests failed, and nothing worse happened."""
NOT_ALONE = ("-n", "--dist", "-m")
"""Options, a word each, that choose tests or run them at once."""


def main(name: str, arguments: list[str]) -> int:
    """Run pytest with these arguments. ``name`` keeps the results of two such runs apart. The exit code is pytest's."""
    results = Path("build", f"pytest-{name}")
    code = _pytest(results, arguments)
    if code != SOME_FAILED:
        return code
    failed = sorted(json.loads((results / "v/cache/lastfailed").read_text()))
    if len(failed) > MOST:
        say(f"{len(failed)} tests failed, more than {MOST}: none is run again")
        return code
    for _ in range(TURNS):
        if code := _pytest(results, [*_alone(arguments), *failed]):
            return code
    for test in failed:
        say(f"ALONE {test}: it failed beside others and passed {TURNS} times alone")
    return 0


def say(line: str) -> None:
    """Write a line after what pytest wrote."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _pytest(results: Path, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={results}", *arguments]
    return subprocess.run(command).returncode


def _alone(arguments: list[str]) -> list[str]:
    """The other options, such as ``--timeout=60``; folders and files are left out."""
    words = iter(arguments)
    kept: list[str] = []
    for word in words:
        if word in NOT_ALONE:
            next(words)
        elif word.startswith("-"):
            kept.append(word)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
