"""The TCP connection of a process of this machine, from ``/proc``; nothing where that may not be read."""

import os
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

_ESTABLISHED = "01"


class Connection(NamedTuple):
    """Both ends of a connection."""

    port: int
    """Of the process."""
    peer_host: str
    peer_port: int


class Connections:
    """The connections of processes, each looked up once: a receiver connects once, and its process ends with that."""

    def __init__(self) -> None:
        self._known: dict[int, Connection | None] = {}

    def of(self, pids: set[int]) -> dict[int, Connection]:
        """The connection of each process that has exactly one; the others are left out, and so are unknown ones."""
        self._known = {pid: self._known[pid] if self._known.get(pid) else connection_of(pid) for pid in pids}
        return {pid: found for pid, found in self._known.items() if found is not None}


def connection_of(pid: int) -> Connection | None:
    """The only established TCP connection of a process; None when there is not exactly one, or it may not be read."""
    with suppress(OSError, ValueError, IndexError):
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
        inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
        found = [each for table in ("tcp", "tcp6") for each in _established(Path(f"/proc/{pid}/net/{table}"), inodes)]
        if len(found) == 1:
            return found[0]
    return None


def _established(table: Path, inodes: set[str]) -> list[Connection]:
    found = []
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _ESTABLISHED and fields[9] in inodes:
            local, peer = fields[1].split(":"), fields[2].split(":")
            found.append(Connection(int(local[1], 16), _address(peer[0]), int(peer[1], 16)))
    return found


def _address(text: str) -> str:
    """An address as the kernel prints it: words of four bytes, each in the order of the machine."""
    words = (bytes.fromhex(text[place : place + 8])[::-1] for place in range(0, len(text), 8))
    packed = b"".join(words)
    address: IPv4Address | IPv6Address = ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
