"""The state of a server that its agent could not read, from the SQLSTATE that it answered with.

Texts depend on ``lc_messages``, so an SQLSTATE decides where there is one. Without one no server answered: the client
library gives the reason, in fixed words at its beginning. A reason that is not known says nothing about the server.
"""

import re

from leadline_streams.judge.node_state import NodeState, Reach

NOT_READY = ("57P01", "57P02", "57P03")
"""The server ends its sessions, or accepts none: it starts, stops, or recovers from a crash."""
IN_BETWEEN = "08"
"""A pooler's own errors, or a connection that was lost: the server behind was not seen."""
NO_CONNECTION_LEFT = "53300"
_RESERVED = "pg_use_reserved_connections"
_QUOTED = re.compile('["\u00ab\u00bb\u201c\u201d\u201e\u300c]|(?<!\\w)\\?\\W?[\\w$-]+\\W?\\?(?!\\w)')
"""Quotation marks of many languages, and the question marks that a server puts in their place while it does not know
the encoding of its client."""

GONE = ("refused",)
"""Nothing listens at the address."""
HANGS = ("timeout", "network")
"""No answer came: the server, its host or the network to it."""
ADMITS_NOBODY = "not accepting connections"
"""PostgreSQL 14 and later say so with ``hot_standby = off``, and otherwise that they do not accept them yet."""
STARTING = ("starting up", "shutting down", ADMITS_NOBODY)
LOCKED_OUT = (
    "agent error",
    "authentication failed",
    "cancelled",
    "missing right",
    "no such database",
    "pooler",
    "query failed",
    "too many connections",
    "unsupported version",
)
"""The server answered, and its agent cannot work with the answer: a problem of the agent, not of the server."""


def reach(error: str, code: str | None = None) -> Reach:
    """Whether a server is gone, does not answer, answers and admits nobody, refuses its agent, or was not seen."""
    if code:
        if code in NOT_READY:
            return "not_ready"
        return "unseen" if code.startswith(IN_BETWEEN) else "locked_out"
    if error.startswith(GONE):
        return "gone"
    if error.startswith(HANGS):
        return "hangs"
    if error.startswith(STARTING):
        return "not_ready"
    return "locked_out" if error.startswith(LOCKED_OUT) else "unseen"


def has_no_connection_left(node: NodeState) -> bool:
    """Whether a server refuses its agent because all its connections are in use.

    The limit of one role or database has the same SQLSTATE; its message quotes a name in every language. Those that
    quote the name of the role for which the last connections are reserved are about the whole server.
    """
    error = node.error or ""
    full = node.error_code == NO_CONNECTION_LEFT if node.error_code else error.startswith("too many connections")
    answer = error.rpartition(" failed: ")[2]
    return full and (_RESERVED in answer or not _QUOTED.search(answer))
