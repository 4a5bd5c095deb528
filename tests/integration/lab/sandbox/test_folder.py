"""A temporary folder goes with its owner."""

import subprocess
import sys
from pathlib import Path

from leadline_lab.sandbox.folder import Folder
from leadline_lab.sandbox.wait import eventually

OWNER = """
import sys
from leadline_lab.sandbox.folder import Folder
folder = Folder()
(folder.path / "inside").mkdir()
(folder.path / "inside" / "file").touch()
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_it_goes_when_it_is_closed() -> None:
    """With all that is in it, and a second time is harmless."""
    with Folder() as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "file").touch()
    assert not folder.path.exists()
    folder.close()


def test_it_goes_when_its_owner_is_killed() -> None:
    """Not even kill -9 leaves it behind."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().decode().strip())
        assert (folder / "inside" / "file").exists()
        owner.kill()
    eventually("it is gone", lambda: not folder.exists(), 10.0)
