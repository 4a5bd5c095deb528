"""The connection of a process, as ``/proc`` shows it."""

import socket
import subprocess
import sys

from leadline_agents.sockets import Connections, _address, connection_of

CLIENT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(connection.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_the_only_connection_of_a_process() -> None:
    """Its own port, and the address at the other end; nothing once it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        accepted, _ = server.accept()
        assert client.stdout is not None
        own = int(client.stdout.readline())
        known = Connections()
        assert known.of({client.pid}) == {client.pid: (own, "127.0.0.1", port)}
        client.communicate("")
        accepted.close()
    assert connection_of(client.pid) is None
    assert known.of(set()) == {}


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    """Of both families, and one that is mapped into the other."""
    assert _address("0100007F") == "127.0.0.1"
    assert _address("0000000000000000FFFF00000100007F") == "127.0.0.1"
    assert _address("000000000000000000000000" + "01000000") == "::1"
