"""Wait until something is so."""

import threading
from collections.abc import Callable

from leadline.clock import SystemClock
from leadline.errors import UnreachableError

PAUSE_S = 0.05


def eventually(what: str, check: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Return as soon as ``check`` holds. Raises UnreachableError, which says ``what``, when it does not in time."""
    clock = SystemClock()
    deadline = clock.monotonic() + timeout_s
    pause = threading.Event()
    while not check():
        if clock.monotonic() > deadline:
            raise UnreachableError(f"{what}: not after {timeout_s:g} s")
        pause.wait(PAUSE_S)
