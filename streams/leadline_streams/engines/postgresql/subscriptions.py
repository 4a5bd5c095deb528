"""Subscriptions: publications that are missing, workers that fail repeatedly or wait for a lock."""

from math import inf

from leadline.model.observation import Sample
from leadline.model.replication import Subscription
from leadline_streams.engines.postgresql.links import slot_of
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.engines.postgresql.timing import milliseconds
from leadline_streams.judge.counters import LONGEST_TURN_S, TURN_SLACK_S, Window
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import has
from leadline_streams.judge.node_state import IdleState, NodeState
from leadline_streams.judge.verdict import STALLED_S

SETTLED_S = 4.0
"""A worker that has streamed for this long does not fail at what it begins with."""
SLOW_TURN_S = 7200.0
"""Longest time between two failures of initial copies that count as one that recurs: a copy may fail at its end."""
RARE_TURN_S = 120.0
"""Longest time between two errors of a worker that still fails; after that, it no longer does."""


UNKNOWN_SINCE = 0.0
"""Stands for a time before the first look."""


def follow(node: NodeState, sample: Sample, now: float, *, first: bool) -> None:
    """Note since when each enabled subscription has received nothing: it has no worker, or one that only begins.

    ``first``: the first sample of the node, which does not show since when.
    """
    before, since = node.idle_subscriptions, UNKNOWN_SINCE if first else now
    idle: dict[str, IdleState] = {}
    for each in sample.subscriptions:
        if each.enabled and (each.pid is None or each.received_lsn is None):
            was = before.get(each.name)
            restarts = each.pid is None or (was is not None and (was.restarts or was.pid != each.pid))
            idle[each.name] = IdleState(was.since if was is not None else since, each.pid, restarts)
    node.idle_subscriptions = idle


def note_interruptions(node: NodeState, before: Sample | None, sample: Sample, now: float) -> None:
    """Note which subscriptions did not stream between the last two samples."""
    pids = {each.name: each.pid for each in before.subscriptions} if before is not None else {}
    unsettled, interrupted = dict(node.unsettled), dict(node.interrupted)
    for each in sample.subscriptions:
        streams = each.enabled and each.pid is not None and each.received_lsn is not None
        if not streams or pids.get(each.name, each.pid) != each.pid:
            if not is_unsettled(node, each, now):
                unsettled[each.name] = now if before is not None else UNKNOWN_SINCE
            interrupted[each.name] = now
    if len(interrupted) > len(sample.subscriptions):
        names = {each.name for each in sample.subscriptions}
        interrupted = {name: at for name, at in interrupted.items() if name in names}
        unsettled = {name: at for name, at in unsettled.items() if name in names}
    node.unsettled, node.interrupted = unsettled, interrupted


def is_unsettled(node: NodeState, subscription: Subscription, now: float) -> bool:
    """Whether a subscription does not stream, or has done so for too short a time to say that it goes on."""
    interval_s = node.sample.interval_s if node.sample is not None else 0.0
    return now - node.interrupted.get(subscription.name, -inf) < max(SETTLED_S, 2 * interval_s)


def missing_publications(link: LinkState, up: NodeState, subscription: Subscription) -> list[str]:
    """Publications that a subscription names and its publisher does not have.

    Known where the publisher's agent is connected to the database of the slot; empty otherwise.
    """
    slot, sample = slot_of(link, up), up.sample
    if slot is None or sample is None or not sample.database or sample.database != slot.database:
        return []
    if hides(sample, "publications"):
        return []
    return [name for name in subscription.publications if not has(sample.publications, name)]


def in_error_loop(node: NodeState, subscription: Subscription, now: float) -> bool:
    """Whether the apply worker fails repeatedly. A lost connection counts as one error, which is not enough."""
    window = node.windows.get(f"apply_error:{subscription.name}")
    # With a long retry interval errors are rare, and between them there is no worker.
    longest_s = LONGEST_TURN_S if subscription.pid is not None else RARE_TURN_S
    return window is not None and (window.recurs(now, longest_s) or _failed_again(node, subscription, window, now))


def _failed_again(node: NodeState, subscription: Subscription, window: Window, now: float) -> bool:
    """Whether an error was counted after the stream had ended: a worker connected meanwhile, and failed again.

    The server counts no attempt that ends before the stream begins.
    """
    since = node.unsettled.get(subscription.name)
    if since is None or window.last_at - since <= TURN_SLACK_S or not is_unsettled(node, subscription, now):
        return False
    return now - window.last_at < 2 * milliseconds(node, "wal_retrieve_retry_interval") + TURN_SLACK_S


def copies_fail(node: NodeState, subscription: Subscription, now: float) -> bool:
    """Whether initial copies fail repeatedly: twice as seen, or once where errors of tables that are not ready were
    counted before the first look."""
    window = node.windows.get(f"sync_error:{subscription.name}")
    if window is None or not window.last_at:
        return False
    before = (subscription.sync_errors or 0) > window.count(now)
    if fails_slowly(window, subscription, now):
        return True
    return window.recurs(now) or (before and bool(subscription.unsynced) and now - window.last_at < LONGEST_TURN_S)


def fails_slowly(window: Window, subscription: Subscription, now: float) -> bool:
    """Whether copies of tables that are still not ready failed twice, the second time after they had run for long."""
    turn = window.last_at - window.before_at
    if not subscription.unsynced or not window.before_at or not LONGEST_TURN_S < turn <= SLOW_TURN_S:
        return False
    return now - window.last_at < turn + LONGEST_TURN_S


def shows_within_s(node: NodeState, subscription: Subscription, now: float) -> float:
    """Seconds in which a subscription shows whether it fails: to apply, without a steady stream, or to copy a table.

    0 where that is known: it does, or no attempt ever failed after it had connected, or errors are not counted.
    """
    if not subscription.enabled:
        return 0.0
    applies = not subscription.apply_errors or not is_unsettled(node, subscription, now)
    copies = not subscription.sync_errors or not subscription.unsynced
    if (applies or in_error_loop(node, subscription, now)) and (copies or copies_fail(node, subscription, now)):
        return 0.0
    return milliseconds(node, "wal_retrieve_retry_interval") + TURN_SLACK_S


def is_blocked(subscription: Subscription) -> bool:
    """Whether the apply worker waits for a lock of another session. Waits for its own parallel workers do not count."""
    wait = subscription.wait
    return (
        wait is not None
        and wait.startswith("Lock/")
        and wait != "Lock/applytransaction"
        and (subscription.transaction_s or 0.0) >= STALLED_S
    )
