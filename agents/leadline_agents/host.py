"""The machine that the agent runs on: the cost of the agent, and the free space of volumes."""

import os
import resource
import socket
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

_PAGE = resource.getpagesize()
_LOOPBACK = ("127.", "::1", "localhost")


def cpu_s() -> float:
    """Processor time of this process since it started, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_bytes() -> int:
    """Resident memory of this process; 0 where ``/proc`` does not have it."""
    try:
        return int(os.pread(_statm(), 100, 0).split()[1]) * _PAGE
    except OSError:
        return 0


@cache
def _statm() -> int:
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def is_here(host: str) -> bool:
    """Whether this is a loopback address or the directory of a Unix socket."""
    return host.startswith(("/", "@", *_LOOPBACK))


def own_name() -> str:
    """The host name of this machine, under which other hosts may reach it."""
    return socket.gethostname()


def own_addresses() -> tuple[str, ...]:
    """The addresses of this machine's network interfaces, without loopback and link-local ones.

    Empty where ``/proc`` does not show them.
    """
    found: set[str] = set()
    with suppress(OSError):
        lines = Path("/proc/net/fib_trie").read_text().splitlines()
        for line, after in pairwise(lines):
            if after.strip() == "/32 host LOCAL":
                found.add(line.split()[-1])
    with suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            found.add(str(ip_address(bytes.fromhex(line.split()[0]))))
    kept = (address for address in map(ip_address, found) if not address.is_loopback and not address.is_link_local)
    return tuple(sorted(map(str, kept)))


def volume(directory: Path) -> tuple[int, int] | None:
    """Free and total bytes of the volume that a directory is on; None when it cannot be read."""
    try:
        space = os.statvfs(directory)
    except OSError:
        return None
    return space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
