"""Remove a folder when the owner ends, however it ends.

``python sweeper.py FOLDER``: standard input is the lifeline, as in ``guard``. When it closes, the folder goes, though
programs that end at the same time still write into it.

It runs by itself, without the package on its path: only the standard library here.
"""

import select
import shutil
import signal
import sys
from pathlib import Path

PAUSE_S = 0.1
TRIES = 300
"""Longer than a guard takes to end what writes into the folder."""

FOR_THE_OWNER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""As in ``guard``."""


def main(folder: str) -> int:
    """Wait for the owner's end, then remove; 1 when something could not be removed."""
    for number in FOR_THE_OWNER:
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            return 0
        select.select([], [], [], PAUSE_S)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
