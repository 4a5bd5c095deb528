"""Which sender serves which receiver: points for what fits, exclusion for what contradicts.

No single name is enough. Where several fit equally well, none is chosen.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from leadline.model.replication import Downstream, Slot, Subscription, Upstream
from leadline.numbers import whole_number
from leadline_streams.engines.postgresql.identity import gap_s, hosts, is_at, is_local, looked_since, shows_senders
from leadline_streams.engines.postgresql.links import DEFAULT_NAMES, STARTING
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.engines.postgresql.timeouts import sender_timeout_s
from leadline_streams.judge.lookup import first, members
from leadline_streams.judge.node_state import NodeState

LEAST = 3
"""Points from which evidence is enough by itself: an address, a slot, a common start; never a name."""
MARGIN = 2
"""Points by which the best must be ahead of the next best."""
_GAPS = ((0.1, 5), (0.5, 3), (2.0, 2))
"""Points for processes that began within so many seconds."""
FAR_S = 60.0
"""Processes that began so far apart are not the ends of one connection, even over a slow network."""
WAL_SLACK = 1 << 30
"""The two ends of a link are read a second or two apart; no server writes so much in that time."""

Left = TypeVar("Left")
Right = TypeVar("Right")


def assign(pairs: Mapping[tuple[Left, Right], int]) -> tuple[dict[Left, Right], dict[Left, list[Right]]]:
    """The pairs that are certain, and for each left that has none its remaining candidates.

    A pair is certain when its points are enough and no other pair of either of its members comes near, or when each is
    all that is left for the other and nothing contradicts it.
    """
    left, found = dict(pairs), dict[Left, Right]()
    while certain := _certain(left):
        found.update(certain)
        taken = set(certain.values())
        left = {pair: points for pair, points in left.items() if pair[0] not in certain and pair[1] not in taken}
    candidates: dict[Left, list[Right]] = {}
    for one, other in left:
        candidates.setdefault(one, []).append(other)
    return found, candidates


def _certain(pairs: Mapping[tuple[Left, Right], int]) -> dict[Left, Right]:
    by_left: dict[Left, list[int]] = {}
    by_right: dict[Right, list[int]] = {}
    for (one, other), points in pairs.items():
        by_left.setdefault(one, []).append(points)
        by_right.setdefault(other, []).append(points)
    for all_ in (*by_left.values(), *by_right.values()):
        all_.sort(reverse=True)
    found = {}
    for (one, other), points in pairs.items():
        ours, theirs = by_left[one], by_right[other]
        if len(ours) == len(theirs) == 1:
            if points >= 0:
                found[one] = other
        elif points >= LEAST and _leads(points, ours) and _leads(points, theirs):
            found[one] = other
    return found


def _leads(points: int, ranked: Sequence[int]) -> bool:
    return ranked[0] == points and (len(ranked) == 1 or points - ranked[1] >= MARGIN)


def physical_points(up: NodeState, row: Downstream, down: NodeState, *, sticky: bool) -> int | None:
    """Points for a standby being served by a sender; None when they exclude each other.

    ``sticky``: it was so before. A standby that does not answer is matched by what does not change only.
    """
    ours, theirs = down.node.system_id, up.node.system_id
    if ours is not None and theirs is not None and ours != theirs:
        return None
    receiver = down.sample.upstream if down.sample is not None else None
    points = 3 if sticky else 0
    if row.address is not None and row.address in hosts(down.node):
        points += 1
    names: set[str] = {down.name, ""} - DEFAULT_NAMES
    if receiver is None or down.sample is None:
        return points + 2 * (row.name in names)
    if down.answers:
        if receiver.status is None and not sticky:
            return None
        if up.node.role == "primary" and (receiver.timeline or 0) > (up.node.timeline or receiver.timeline or 0):
            return None
    if receiver.slot and row.slot and receiver.slot != row.slot:
        return None
    if receiver.slot and row.slot:
        points += 4
    elif receiver.slot or row.slot:
        points -= 3
    if not hides(down.sample, "settings") and receiver.application_name:
        names.add(receiver.application_name)
    names -= DEFAULT_NAMES
    if row.name in names:
        points += 2
    elif names and row.name not in DEFAULT_NAMES:
        if receiver.status is None:
            return None  # not the rest of its own connection: somebody else's
        points -= 2
    direct = bool(receiver.host) and is_at(receiver.host, receiver.port, up.node, down.node)
    if direct:
        points += 3
    if row.port is not None and receiver.status is not None and (row.port < 0) != receiver.host.startswith(("/", "@")):
        points -= 2
    if not down.answers or up.sample is None:
        return points
    return _timed(points + _ports(row, receiver.local_port, direct=direct), _gap(up, row, down, receiver))


def logical_points(
    up: NodeState, slot: Slot, down: NodeState, subscription: Subscription, *, sticky: bool
) -> int | None:
    """Points for a subscription reading a slot of its slot's name; None when they exclude each other."""
    if slot.synced and up.node.role == "standby":
        return None  # a copy: the subscription reads the slot of the primary
    points = 3 if sticky else 0
    if slot.database is not None and up.sample is not None and up.sample.database == slot.database:
        points += 1 if members(up.sample.publications).issuperset(subscription.publications) else -1
    row = first(up.sample.downstreams, "slot", slot.name) if up.sample is not None else None
    streams = subscription.pid is not None and subscription.received_lsn is not None
    end = up.clock.end
    if streams and end is not None and parse_lsn(subscription.received_lsn or "0/0") > end + WAL_SLACK:
        return None
    direct = False
    if subscription.publisher is not None:
        host, _, port = subscription.publisher.rpartition(":")
        direct = is_at(host, whole_number(port) or 0, up.node, down.node)
        points += 3 if direct else -1
    if not streams:
        return points - 2 if slot.active else points
    seen_since = looked_since(up, subscription.began_at, subscription.clock_ahead_s)
    if not slot.active and seen_since and not _lost_its_sender(up, slot, subscription):
        return None
    if slot.confirmed_lsn is not None and slot.confirmed_lsn == subscription.latest_end_lsn:
        points += 1
    if row is None or up.sample is None:
        return points
    if row.name == subscription.in_sql:
        points += 1
    if row.address is not None and row.address in hosts(down.node):
        points += 1
    return _timed(points + _ports(row, subscription.local_port, direct=direct), _gap(up, row, down, subscription))


def _lost_its_sender(up: NodeState, slot: Slot, subscription: Subscription) -> bool:
    """Whether a worker has received nothing since its slot is free: one that waits does not see its connection end."""
    silent_s = subscription.message_age_s or 0.0
    if slot.inactive_s is not None:
        return silent_s > slot.inactive_s
    return silent_s > sender_timeout_s(up)


def must_show(up: NodeState, down: NodeState) -> bool:
    """Whether a node would show the sender of a standby that streams, if it were its upstream.

    A sender that never got to the start of its stream may be the one of a receiver that says it streams: the standby
    asked for WAL that its upstream does not have.
    """
    receiver = down.sample.upstream if down.sample is not None else None
    if receiver is None or receiver.status is None or not shows_senders(up) or up.sample is None:
        return False
    if any(row.state == STARTING and row.kind == "physical" for row in up.sample.downstreams):
        return False
    return looked_since(up, receiver.began_at, receiver.clock_ahead_s)


def _ports(row: Downstream, local_port: int | None, *, direct: bool) -> int:
    """Points for the ports of the two ends. They may differ unless the receiver connects to the server itself."""
    if local_port is None or row.port is None:
        return 0
    if row.port == local_port:
        return 6
    return -4 if direct else 0


def _timed(points: int, gap: int | None) -> int | None:
    return points + gap if gap is not None else None


def _gap(up: NodeState, row: Downstream, down: NodeState, receiver: Upstream | Subscription) -> int | None:
    """Points for two processes that began so far apart; None when they exclude each other."""
    assert up.sample is not None
    gap = gap_s(up.sample, row, receiver.began_at, receiver.clock_ahead_s)
    if gap is None:
        return 0
    if (row.address is None or is_local(row.address)) and hosts(up.node) & hosts(down.node):
        gap = abs(gap)  # both are on one host, and have one clock
    if abs(gap) > FAR_S:
        return None
    return next((points for within, points in _GAPS if -0.5 <= gap <= within), -3)
