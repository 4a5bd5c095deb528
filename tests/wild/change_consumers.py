"""Consumers of changes that are no subscriptions, as programs of change data capture are."""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from time import monotonic

import psycopg
from psycopg import pq

from leadline_lab.sandbox.fleet import REPLICATOR
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
STREAMING = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"


def create_slot(server: Server, dbname: str, slot: str) -> None:
    """A slot for all tables of a database."""
    server.query(f"CREATE PUBLICATION {slot} FOR ALL TABLES", dbname=dbname)
    server.query("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot], dbname=dbname)


@contextmanager
def consuming(
    server: Server, dbname: str, slot: str, name: str, *, confirms_every_s: float = inf, reads: bool = True
) -> Iterator[None]:
    """Read a slot and its publication of the same name inside the block, and reply once a second.

    What was received is confirmed as flushed every ``confirms_every_s``, by default never. ``reads``: otherwise the
    consumer hangs as soon as it is connected.
    """
    connection = pq.PGconn.connect(
        server.dsn(dbname, REPLICATOR, application_name=name, replication="database").encode()
    )
    options = f"(proto_version '1', publication_names '{slot}')"
    started = connection.exec_(f"START_REPLICATION SLOT {slot} LOGICAL 0/0 {options}".encode())
    assert started.status == pq.ExecStatus.COPY_BOTH, connection.get_error_message()
    ended = threading.Event()
    reader = threading.Thread(target=_read, args=(connection, ended, confirms_every_s), daemon=True)
    try:
        eventually(f"{name} streams", lambda: bool(server.query(STREAMING, [name])), 10.0)
        if reads:
            reader.start()
        yield
    finally:
        ended.set()
        if reads:
            reader.join()
        connection.finish()


def _read(connection: pq.abc.PGconn, ended: threading.Event, confirms_every_s: float) -> None:
    received = flushed = 0
    confirmed_at = monotonic()
    while not ended.wait(1.0):
        connection.consume_input()
        while (message := connection.get_copy_data(1))[0] > 0:
            # A change says where its record ends, a keepalive where the WAL does.
            data = bytes(message[1])
            received = max(received, struct.unpack_from("!Q", data, 9 if data[:1] == b"w" else 1)[0])
        if message[0] < 0:
            raise psycopg.OperationalError("the stream has ended")
        if monotonic() - confirmed_at >= confirms_every_s:
            flushed, confirmed_at = received, monotonic()
        now = int((datetime.now(UTC) - _EPOCH).total_seconds() * 1_000_000)
        connection.put_copy_data(b"r" + struct.pack("!QQQqB", received, flushed, flushed, now, 0))
        connection.flush()
