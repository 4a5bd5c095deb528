"""The place for shared memory that PostgreSQL allocates while it runs.

Its default, POSIX shared memory, is files in /dev/shm on Linux. In containers that is 64 MiB by default, and in some
there is none that its user may write to: a server does not start there, or fails where a statement needs more
(https://github.com/docker-library/postgres/issues/416).
"""

import os
import stat
from pathlib import Path
from typing import Final

PLACE: Final = Path("/dev/shm")  # noqa: S108 - PostgreSQL's own, not ours
LEAST_BYTES: Final = 32 << 20
"""Of free space for the servers of one fleet, each of which takes about 1 MiB at its start."""
_OTHERS: Final = stat.S_IWOTH | stat.S_IXOTH


def kind(place: Path = PLACE, *, as_other: bool) -> str:
    """A value for ``dynamic_shared_memory_type``: ``posix``, or ``mmap``, which is files in the server's own folder.

    ``as_other``: the server runs as another user than we are.
    """
    try:
        mode, space = place.stat().st_mode, os.statvfs(place)
    except OSError:
        return "mmap"
    writable = mode & _OTHERS == _OTHERS if as_other else os.access(place, os.W_OK | os.X_OK)
    read_only = bool(space.f_flag & os.ST_RDONLY)
    free = space.f_bavail * space.f_frsize
    return "posix" if writable and not read_only and free >= LEAST_BYTES else "mmap"
