"""What the agent knows of the machine it runs on: its own cost, and the room on the log's volume."""

import os
import resource
import socket
from functools import cache
from pathlib import Path

_PAGE = resource.getpagesize()
_LOOPBACK = ("127.", "::1", "localhost")


def cpu_s() -> float:
    """Processor time of this process since it started."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_bytes() -> int:
    """Memory of this process; 0 where the system does not tell it as Linux does."""
    try:
        return int(os.pread(_statm(), 100, 0).split()[1]) * _PAGE
    except OSError:
        return 0


@cache
def _statm() -> int:
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def is_here(host: str) -> bool:
    """Is this address, a Unix socket's directory or a loopback address, one of this machine?"""
    return host.startswith(("/", "@", *_LOOPBACK))


def own_name() -> str:
    """The name under which other hosts may know this machine."""
    return socket.gethostname()


def volume(data_directory: str) -> tuple[int, int] | None:
    """Free and total bytes of the volume that holds the log of a server on this machine; None when we may not look.

    Only ``pg_wal`` itself is asked: it may be a link to another volume than its parent's.
    """
    try:
        space = os.statvfs(Path(data_directory) / "pg_wal")
    except OSError:
        return None
    return space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
