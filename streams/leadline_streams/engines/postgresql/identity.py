"""Identity of servers and of connections: addresses, systems, and the processes at both ends.

A name decides nothing here. Two observations are of one server when the data and the start of the process are the same;
a sender and a receiver are the ends of one connection when their processes began together.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from sys import intern

from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.model.replication import Downstream
from leadline.numbers import whole_number
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.judge.node_state import NodeState

LOCAL = ("127.", "::1", "localhost", "/", "@")
"""Beginnings of addresses that mean the machine itself: loopback, and directories of Unix sockets."""
LOOKED_S = 2.0
"""A server that was looked at so long after a connection began shows its sender, whatever the two clocks say."""

DEFAULT_PORT = "5432"
_KEYWORD = re.compile(r"(host|hostaddr|port)\s*=\s*(?:'([^']*)'|(\S+))")

SenderKey = tuple[int, str, str | None]


def key_of(row: Downstream) -> SenderKey:
    """Identifies a sender among those of its server, as long as its connection lasts."""
    return (row.pid, intern(row.name), intern(row.slot) if row.slot is not None else None)


def is_local(host: str) -> bool:
    """Whether an address means the machine itself, so that it says nothing on another one."""
    return host.startswith(LOCAL)


def addresses(node: Node) -> set[str]:
    """Every ``host:port`` under which a server is known to be reached."""
    return {f"{node.host}:{node.port}", *node.aliases} if node.host else set(node.aliases)


def hosts(node: Node) -> set[str]:
    """The names and addresses of a server's machine, as far as its agent gave them."""
    return {host for host, _, _ in (each.rpartition(":") for each in addresses(node)) if host and not is_local(host)}


def is_at(host: str, port: int, target: Node, seen_from: Node) -> bool:
    """Whether ``host:port``, as ``seen_from`` uses it, leads to ``target``. A local one leads to the same machine."""
    known = addresses(target)
    if not is_local(host):
        return f"{host}:{port}" in known
    here, there = hosts(seen_from), hosts(target)
    if here and there and here.isdisjoint(there):
        return False
    return f"{host}:{port}" in known or any(
        each.endswith(f":{port}") and (is_local(each) or not here.isdisjoint(there)) for each in known
    )


def servers_named(conninfo: str) -> Iterator[tuple[str, int]]:
    """The hosts of a connection string, each with its port."""
    found = {key: quoted or plain for key, quoted, plain in _KEYWORD.findall(conninfo)}
    hosts = (found.get("host") or found.get("hostaddr") or "").split(",")
    ports = (found.get("port") or DEFAULT_PORT).split(",")
    for host, port in zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=False):
        number = whole_number(port)
        if host and number is not None:
            yield host, number


def same_server(one: NodeState, other: NodeState) -> bool:
    """Whether two nodes are one server under two names: it holds the same data and its process has one start.

    When it was restarted, one of the two is looked at first: what was known stays until the other was looked at too.
    """
    ours, theirs = one.node, other.node
    if ours.system_id is None or ours.system_id != theirs.system_id:
        return False
    if ours.started_at is None or theirs.started_at is None:
        return False
    if ours.started_at == theirs.started_at:
        return True
    if other.same_as != one.name and one.same_as != other.name:
        return False
    late, early = (one, other) if ours.started_at > theirs.started_at else (other, one)
    assert late.node.started_at is not None
    return early.sample is None or early.sample.at < late.node.started_at


def shows_senders(node: NodeState) -> bool:
    """Whether a node answers and its agent may read the senders: then one that is not there does not exist."""
    return node.answers and node.sample is not None and not hides(node.sample, "downstreams")


def looked_since(node: NodeState, began_at: datetime | None, ahead_s: float | None) -> bool:
    """Whether a node was certainly looked at after a connection from elsewhere began."""
    if began_at is None or node.sample is None:
        return False
    least = min(0.0, -(ahead_s or 0.0))
    return (node.sample.at - began_at).total_seconds() + least > LOOKED_S


def gap_s(sample: Sample, row: Downstream, began_at: datetime | None, ahead_s: float | None) -> float | None:
    """Seconds from the start of a receiver's process to that of a sender's; None when either is not known.

    ``ahead_s``: of the receiver's clock against its sender's. It is too large on a slow network, so the better of the
    two readings counts.
    """
    if began_at is None or row.connected_s is None:
        return None
    plain = (sample.at - timedelta(seconds=row.connected_s) - began_at).total_seconds()
    return min(plain, plain + (ahead_s or 0.0), key=abs)
