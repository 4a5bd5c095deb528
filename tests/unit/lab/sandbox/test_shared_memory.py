"""The place for shared memory of a server: containers have little room in /dev/shm, or none that it may write to."""

import os
from pathlib import Path
from typing import Any

import pytest

from leadline_lab.sandbox import shared_memory


def test_a_place_that_anybody_may_write_to_is_used(tmp_path: Path) -> None:
    """As on most machines."""
    tmp_path.chmod(0o1777)
    assert shared_memory.kind(tmp_path, as_other=True) == "posix"
    assert shared_memory.kind(tmp_path, as_other=False) == "posix"


def test_without_a_place_the_servers_use_files_of_their_own(tmp_path: Path) -> None:
    """There is none, or another user may not write to it."""
    assert shared_memory.kind(tmp_path / "none", as_other=False) == "mmap"
    tmp_path.chmod(0o755)
    assert shared_memory.kind(tmp_path, as_other=True) == "mmap"


@pytest.mark.parametrize(("flag", "blocks"), [(0, 7 * 1024), (os.ST_RDONLY, 1024 * 1024)])
def test_a_place_without_room_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: int, blocks: int
) -> None:
    """28 MiB are left, or it is mounted read-only."""

    class Space:
        f_flag, f_bavail, f_frsize = flag, blocks, 4096

    tmp_path.chmod(0o1777)
    answer: Any = Space()
    monkeypatch.setattr(os, "statvfs", lambda _: answer)
    assert shared_memory.kind(tmp_path, as_other=False) == "mmap"
