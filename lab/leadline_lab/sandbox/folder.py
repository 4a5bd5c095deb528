"""A temporary folder that goes with its owner, however that ends."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from leadline_lab.sandbox import sweeper


class Folder:
    """For this user only, until ``close`` or the end of the process, be it by SIGKILL."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="leadline-"))
        self._sweeper = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", sweeper.__file__, self.path],
            cwd="/",
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        """Remove it and what is in it. Harmless a second time."""
        assert self._sweeper.stdin is not None
        self._sweeper.stdin.close()
        self._sweeper.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
