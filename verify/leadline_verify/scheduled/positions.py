"""Files with the positions of comparisons that are under way, so that a restart does not begin a long table anew."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Final

from leadline.model.ids import LinkId

STALE_S: Final = 7 * 86400.0
"""A position that has not moved for so long is not taken up: what lies before it is no proof of today."""


class PositionFiles:
    """One file for each table of a link, in a directory of the process's own."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._usable = False

    def problem(self) -> str:
        """The reason for which no position can be kept; empty for none."""
        if not self._directory.is_dir():
            return f"state_dir: there is no directory {self._directory}"
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            return f"state_dir: {self._directory} cannot be written by user {os.geteuid()}"
        return ""

    def begin(self, now_s: float) -> str:
        """Use the directory, and remove what is stale as of this time, in seconds since 1970.

        Returns the reason for which no position can be kept, or nothing.
        """
        if problem := self.problem():
            return problem
        for file in self._directory.glob("verify-*.json*"):
            with contextlib.suppress(OSError):
                if now_s - file.stat().st_mtime > STALE_S:
                    file.unlink()
        self._usable = True
        return ""

    def file(self, link: LinkId, table: str) -> Path | None:
        """The file of a table; None where no position can be kept."""
        if not self._usable:
            return None
        name = hashlib.sha256(f"{link}\0{table}".encode()).hexdigest()[:32]
        return self._directory / f"verify-{name}.json"
