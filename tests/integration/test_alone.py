"""Tests that failed beside others are run twice more, alone, and named."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAILS_AT_FIRST = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("at", range({tests}))
def test_turn(at):
    turns = Path(f"turns-{{at}}")
    turns.write_text(turns.read_text() + "x" if turns.exists() else "x")
    assert len(turns.read_text()) not in {failing}
"""


@pytest.mark.parametrize(
    ("tests", "failing", "code", "turns"),
    [
        (2, (), 0, 1),
        (2, (1,), 0, 3),
        (2, (1, 2), 1, 2),
        (2, (1, 3), 1, 3),
        (6, (1,), 1, 1),
    ],
    ids=["none failed", "passed twice alone", "failed alone", "failed the second time alone", "too many"],
)
def test_a_test_that_failed_beside_others(
    tmp_path: Path, tests: int, failing: tuple[int, ...], code: int, turns: int
) -> None:
    (tmp_path / "test_turns.py").write_text(FAILS_AT_FIRST.format(tests=tests, failing=failing))
    (tmp_path / "build").mkdir()
    done = subprocess.run(
        [sys.executable, ROOT / "tests/alone.py", "all", "-n", "2", "-m", "not slow", "--timeout=60", "test_turns.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout
    assert {len(path.read_text()) for path in tmp_path.glob("turns-*")} == {turns}
    named = [line for line in done.stdout.splitlines() if line.startswith("ALONE ")]
    assert len(named) == (tests if code == 0 and failing else 0)
