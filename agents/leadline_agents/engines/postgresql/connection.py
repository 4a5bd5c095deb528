"""Connections of psycopg that keep the SQLSTATE with which a server refuses one.

libpq passes on the text of such an error only, in the language of the server, and libpq has no function that returns
the code. It writes the code into the text at the verbosity that psql calls verbose, which is set here before the
first answer can arrive, and taken out of the text again.
"""

import ctypes
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, pq
from psycopg.waiting import Wait

if TYPE_CHECKING:
    from psycopg.abc import PQGenConn

DEFAULT, VERBOSE = 1, 2
"""``PGVerbosity`` of libpq."""

# The severity is in the language of the server, the name of the line of the source in that of the client.
_CODE = re.compile(r":  ([0-9A-Z]{5}): ")
_PLACE = re.compile(r"^\S+:  (?:\w+, )?[\w./-]+:\d+$\n?", re.MULTILINE)


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """An ``AsyncConnection`` whose ``connect`` raises the error class of the server's SQLSTATE."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "", **_: object) -> "PQGenConn[Connection]":
        pgconn = pq.PGconn.connect_start(conninfo.encode())
        _set_verbosity(pgconn, VERBOSE)
        while True:
            status = pq.PollingStatus.FAILED if pgconn.status == pq.ConnStatus.BAD else pgconn.connect_poll()
            if status == pq.PollingStatus.OK:
                break
            if status == pq.PollingStatus.FAILED:
                text = pgconn.get_error_message()
                pgconn.finish()
                raise refusal(text)
            wait = Wait.R if status == pq.PollingStatus.READING else Wait.W
            while not (yield pgconn.socket, wait):
                pass
        _set_verbosity(pgconn, DEFAULT)
        pgconn.nonblocking = 1
        return cls(pgconn)


def refusal(text: str) -> psycopg.Error:
    """The error for libpq's message about a failed connection; of the class of its SQLSTATE when it has one."""
    found = _CODE.search(text)
    plain = _PLACE.sub("", _CODE.sub(":  ", text)).strip()
    if found is None:
        return psycopg.OperationalError(plain)
    try:
        return errors.lookup(found[1])(plain)
    except KeyError:
        error = psycopg.OperationalError(plain)
        error.sqlstate = found[1]
        return error


def _set_verbosity(pgconn: pq.abc.PGconn, verbosity: int) -> None:
    change, address = _setter(), getattr(pgconn, "pgconn_ptr", None)
    if change is not None and address is not None:
        change(address, verbosity)


@cache
def _setter() -> Callable[[int, int], int] | None:
    """``PQsetErrorVerbosity`` of the libpq that psycopg uses, which has no name for it; None where it is not found."""
    try:
        # A lookup in a loaded module goes on to the libraries that it is linked with.
        found = ctypes.CDLL(import_module(f"psycopg_{pq.__impl__}.pq").__file__).PQsetErrorVerbosity
    except (ImportError, OSError, AttributeError):
        try:
            found = import_module("psycopg.pq._pq_ctypes").pq.PQsetErrorVerbosity
        except (ImportError, AttributeError):
            return None
    found.argtypes, found.restype = [ctypes.c_void_p, ctypes.c_int], ctypes.c_int
    return found
