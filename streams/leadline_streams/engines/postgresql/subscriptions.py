"""Subscriptions: publications that are missing, workers that fail repeatedly or wait for a lock."""

from leadline.model.observation import Sample, Subscription
from leadline_streams.engines.postgresql.links import slot_of
from leadline_streams.judge.counters import LONGEST_TURN_S
from leadline_streams.judge.state import IdleState, LinkState, NodeState
from leadline_streams.judge.verdict import STALLED_S

RARE_TURN_S = 120.0
"""Longest time between two errors of a worker that still fails; after that, it no longer does."""


UNKNOWN_SINCE = 0.0
"""Stands for a time before the first look."""


def follow(node: NodeState, sample: Sample, now: float, *, first: bool) -> None:
    """Note since when each enabled subscription has received nothing: it has no worker, or one that only begins.

    ``first``: the first sample of the node, which does not show since when.
    """
    before, since = node.idle_subscriptions, UNKNOWN_SINCE if first else now
    node.idle_subscriptions = {}
    for each in sample.subscriptions:
        if each.enabled and (each.pid is None or each.received_lsn is None):
            was = before.get(each.name)
            restarts = each.pid is None or (was is not None and (was.restarts or was.pid != each.pid))
            node.idle_subscriptions[each.name] = IdleState(was.since if was is not None else since, each.pid, restarts)


def note_interruptions(node: NodeState, before: Sample | None, sample: Sample, now: float) -> None:
    """Note which subscriptions did not stream between the last two samples."""
    pids = {each.name: each.pid for each in before.subscriptions} if before is not None else {}
    for each in sample.subscriptions:
        streams = each.enabled and each.pid is not None and each.received_lsn is not None
        if not streams or pids.get(each.name, each.pid) != each.pid:
            node.interrupted[each.name] = now
    if len(node.interrupted) > len(sample.subscriptions):
        names = {each.name for each in sample.subscriptions}
        node.interrupted = {name: at for name, at in node.interrupted.items() if name in names}


def missing_publications(link: LinkState, up: NodeState, subscription: Subscription) -> list[str]:
    """Publications that a subscription names and its publisher does not have.

    Known where the publisher's agent is connected to the database of the slot; empty otherwise.
    """
    slot, sample = slot_of(link, up), up.sample
    if slot is None or sample is None or not sample.database or sample.database != slot.database:
        return []
    return [name for name in subscription.publications if name not in sample.publications]


def in_error_loop(node: NodeState, subscription: Subscription, now: float) -> bool:
    """Whether the apply worker fails repeatedly. A lost connection counts as one error, which is not enough."""
    window = node.windows.get(f"apply_error:{subscription.name}")
    # With a long retry interval errors are rare, and between them there is no worker.
    return window is not None and window.recurs(now, LONGEST_TURN_S if subscription.pid is not None else RARE_TURN_S)


def is_blocked(subscription: Subscription) -> bool:
    """Whether the apply worker waits for a lock of another session. Waits for its own parallel workers do not count."""
    wait = subscription.wait
    return (
        wait is not None
        and wait.startswith("Lock/")
        and wait != "Lock/applytransaction"
        and (subscription.transaction_s or 0.0) >= STALLED_S
    )
