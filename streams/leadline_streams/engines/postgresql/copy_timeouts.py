"""Initial copies that their publisher cancels after a time: the timeout, as far as it is seen, and what shows it."""

import re
from typing import NamedTuple

from leadline.model.replication import Subscription
from leadline.model.server_log import LogLine
from leadline.model.tables import SenderTimeout
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import slot_of
from leadline_streams.engines.postgresql.subscriptions import copies_fail
from leadline_streams.engines.postgresql.unserved import link_of
from leadline_streams.judge.counters import TURN_SLACK_S
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

CANCELED = "57014"
RETRY_S = 10.0
"""A copy that failed is begun again within this time, with the default ``wal_retrieve_retry_interval``."""
_UNITS_S = {"": 0.001, "us": 1e-6, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_VALUE = re.compile(r"\s*([\d.]+)\s*([a-z]*)\s*").fullmatch


class Cancelled(NamedTuple):
    """The reason that a publisher cancels the copies of a subscription."""

    publisher: NodeState | None
    """None where no agent reads it."""
    timeout: SenderTimeout | None
    """The setting; None where it was not seen."""
    line: LogLine | None
    """The message of the server log that says so."""
    wrote: NodeState | None
    """The server that wrote it."""
    recurs: bool
    """Whether copies were seen to fail again and again; otherwise failures were counted before the first look."""


def seconds(timeout: SenderTimeout) -> float:
    """A timeout in seconds; 0 for none."""
    found = _VALUE(timeout.value.strip("'"))
    return float(found[1]) * _UNITS_S.get(found[2], 0.0) if found else 0.0


def cancelled(cluster: ClusterView, node: NodeState, subscription: Subscription, now: float) -> Cancelled | None:
    """The timeout that ends the copies of a subscription; None while they do not fail, or nothing shows that one does.

    By the server log of either end; or by a timeout of the subscription's sender that every attempt outlived.
    """
    window = node.windows.get(f"sync_error:{subscription.name}")
    if window is None or not subscription.enabled or not subscription.unsynced:
        return None
    link = link_of(cluster, node, subscription)
    publisher = cluster.nodes.get(link.upstream) if link is not None else None
    if publisher is not None and not publisher.answers:
        publisher = None
    slot = slot_of(link, publisher) if link is not None else None
    database = slot.database if slot is not None else None
    timeout = _timeout(publisher, subscription, database)
    if not copies_fail(node, subscription, now):
        if timeout is None or not _counted_before(subscription, window.since, window.last_at, timeout, now):
            return None
        return Cancelled(publisher, timeout, None, None, False)
    if lines := _lines(node, publisher, now):
        return Cancelled(publisher, timeout, lines[0][1], lines[0][0], True)
    if timeout is None or window.last_at - window.before_at + TURN_SLACK_S < seconds(timeout):
        return None
    return Cancelled(publisher, timeout, None, None, True)


def _timeout(publisher: NodeState | None, subscription: Subscription, database: str | None) -> SenderTimeout | None:
    """The shortest one that holds for the sender of a subscription: a copy connects as the same role."""
    found = [
        each
        for each in (publisher.sender_timeouts if publisher is not None else ())
        if each.sender == subscription.in_sql and each.database == database and seconds(each) > 0.0
    ]
    return min(found, key=seconds, default=None)


def _counted_before(
    subscription: Subscription, since: float, last_at: float, timeout: SenderTimeout, now: float
) -> bool:
    """Whether copies failed more than once before the first look, which is not longer ago than an attempt takes."""
    again_s = seconds(timeout) + RETRY_S
    return bool(since) and not last_at and (subscription.sync_errors or 0) > 1 and now - since <= again_s


def _lines(node: NodeState, publisher: NodeState | None, now: float) -> list[tuple[NodeState, LogLine]]:
    """The messages of a publisher that cancels a copy, and of its subscriber, which quotes the publisher."""
    own = server_log.errors(node, now, server_log.of_copy)
    found = [(node, line) for line in own if line.code == CANCELED or "statement timeout" in line.message]
    theirs = server_log.errors(publisher, now, server_log.of_sender)
    return [*found, *((publisher, line) for line in theirs if publisher is not None and line.code == CANCELED)]
