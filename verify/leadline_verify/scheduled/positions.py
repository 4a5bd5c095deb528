"""Files with the positions of comparisons that are under way, so that a restart does not begin a long table anew."""

import hashlib
import logging
import os
from pathlib import Path
from typing import Final

from leadline.model.ids import LinkId

STALE_S: Final = 7 * 86400.0
"""A position that has not moved for so long is not taken up: what lies before it is no proof of today."""

log = logging.getLogger(__name__)


class PositionFiles:
    """One file for each table of a link, in a directory of the process's own."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._usable = False

    def begin(self, now_s: float) -> str:
        """Remove what is stale as of this time, in seconds since 1970.

        Returns the reason for which no position can be kept, or nothing.
        """
        try:
            for file in self._directory.glob("verify-*.json*"):
                if now_s - file.stat().st_mtime > STALE_S:
                    file.unlink(missing_ok=True)
        except OSError as error:
            return f"state_dir: {self._directory}: {error.strerror}"
        if not os.access(self._directory, os.W_OK | os.X_OK):
            there = "is not writable" if self._directory.is_dir() else "is no directory"
            return f"state_dir: {self._directory} {there}"
        self._usable = True
        return ""

    def file(self, link: LinkId, table: str) -> Path | None:
        """The file of a table; None where no position can be kept."""
        if not self._usable:
            return None
        name = hashlib.sha256(f"{link}\0{table}".encode()).hexdigest()[:32]
        return self._directory / f"verify-{name}.json"
