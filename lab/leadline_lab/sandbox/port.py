"""TCP ports that no other sandbox takes."""

import random
import socket
from typing import Self

from leadline.errors import UnreachableError

HOST = "127.0.0.1"
CANDIDATES = range(15000, 30000)
"""Below the ports that Linux gives to outgoing connections (net.ipv4.ip_local_port_range starts at 32768)."""


class Port:
    """A port number that stays ours, listening or not, until ``close`` or the end of the process.

    The claim is a Unix socket in the abstract namespace, which the kernel gives to one process and frees with it. It
    binds sandboxes only: a stranger's program may still take the port while nothing of ours listens on it.
    """

    def __init__(self) -> None:
        for number in random.sample(CANDIDATES, 100):
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0leadline-port-{number}")
                _try_to_listen(number)
            except OSError:
                claim.close()
                continue
            self.number = number
            self._claim = claim
            return
        raise UnreachableError(f"no free TCP port between {CANDIDATES[0]} and {CANDIDATES[-1]} on {HOST} in 100 tries")

    def close(self) -> None:
        """Let others have it."""
        self._claim.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _try_to_listen(number: int) -> None:
    with socket.socket() as probe:
        # As PostgreSQL and asyncio do, so that connections in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, number))
        probe.listen()
