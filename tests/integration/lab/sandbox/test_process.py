"""Programs: what they are given, what they say, and whose children they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leadline.errors import UnreachableError
from leadline_lab.sandbox.guard import descendants, parent
from leadline_lab.sandbox.process import run


def test_a_program_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """PGPASSWORD and the like stay out, what is passed gets in."""
    monkeypatch.setenv("PGPASSWORD", "secret")
    given = run("/usr/bin/env", cwd=Path("/"), env={"PGAPPNAME": "test"}, owner=None).splitlines()
    assert [line for line in given if line.startswith("PG")] == ["PGAPPNAME=test"]


def test_a_failing_program_is_quoted() -> None:
    """The error holds the program's name, status and words."""
    with pytest.raises(UnreachableError, match="sh failed with status 3: out of luck"):
        run("/bin/sh", "-c", "echo out of luck >&2; exit 3", cwd=Path("/"), env={}, owner=None)


def test_descendants_are_found_through_their_parents() -> None:
    """Children and their children, parents first; a process that is gone has no parent."""
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()']); print('done')"
    with subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outer:
        assert outer.stdin is not None
        while len(descendants(outer.pid)) < 1:
            assert outer.poll() is None
        (inner,) = descendants(outer.pid)
        assert (parent(inner), parent(outer.pid)) == (outer.pid, os.getpid())
        mine = descendants(os.getpid())
        assert mine.index(outer.pid) < mine.index(inner)
        outer.stdin.write(b"\n")
        outer.stdin.close()
    assert parent(inner) is None
