"""The breakable link, in front of a server that echoes."""

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.proxy import Proxy

CUTS = 300


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends everything back."""
    with socket.create_server((HOST, 0)) as server:

        def answer(connection: socket.socket) -> None:
            with connection, suppress(ConnectionError):
                while data := connection.recv(1024):
                    connection.sendall(data)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[server.accept()[0]], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(echo) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=10)


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(1024)


def test_it_forwards_both_ways_on_every_connection(proxy: Proxy) -> None:
    with connect(proxy) as one, connect(proxy) as two:
        assert (ask(one, b"one"), ask(two, b"two")) == (b"one", b"two")


def test_a_cut_drops_connections_and_refuses_new_ones(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"a") == b"a"
        proxy.cut()
        assert client.recv(1024) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


def test_healed_after_a_cut_it_has_the_same_port(proxy: Proxy) -> None:
    port = proxy.port
    proxy.cut()
    proxy.cut()
    proxy.heal()
    with connect(proxy) as client:
        assert (ask(client, b"a"), proxy.port) == (b"a", port)


@pytest.mark.parametrize("directions", [(), ("upstream",), ("downstream",), ("upstream", "downstream")])
def test_a_black_hole_holds_what_is_sent_until_it_heals(proxy: Proxy, directions: tuple[str, ...]) -> None:
    with connect(proxy) as client:
        assert ask(client, b"a") == b"a"
        proxy.blackhole(*directions)
        client.sendall(b"held")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1024)
        proxy.heal()
        client.settimeout(10)
        assert client.recv(1024) == b"held"


def test_a_black_hole_accepts_new_connections(proxy: Proxy) -> None:
    proxy.blackhole()
    with connect(proxy) as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(client, b"a")


def test_a_throttled_link_carries_little_at_a_time(proxy: Proxy) -> None:
    proxy.throttle(200)
    with connect(proxy) as client:
        assert ask(client, b"x" * 100) == b"x" * 10


def test_the_end_of_a_stream_comes_through(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"a") == b"a"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1024) == b""


def test_a_server_that_is_not_there_drops_the_connection(proxy: Proxy) -> None:
    with socket.create_server((HOST, 0)) as gone:
        port = gone.getsockname()[1]
    with Proxy(port) as nowhere, connect(nowhere) as client:
        assert client.recv(1024) == b""


def test_a_connection_that_is_accepted_while_the_link_is_cut_is_dropped(proxy: Proxy) -> None:
    """None stays open without anybody to close it; a warning of that fails the test."""
    ended = threading.Event()

    def keep_connecting() -> None:
        while not ended.is_set():
            with suppress(OSError), connect(proxy) as client:
                client.recv(1)

    clients = [threading.Thread(target=keep_connecting, daemon=True) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in range(CUTS):
        proxy.heal()
        proxy.cut()
    ended.set()
    for client in clients:
        client.join()
    gc.collect()
