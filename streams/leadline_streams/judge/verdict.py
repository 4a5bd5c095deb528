"""What a link is doing now: one verdict, judged from both ends."""

from leadline.model.alert import Verdict
from leadline.model.observation import Downstream, Slot, Subscription
from leadline_streams.judge.counters import LONGEST_TURN_S
from leadline_streams.judge.link_progress import outstanding
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.state import LinkState, NodeState

STALLED_S = 4.0
"""Received and not applied for this long is a stall; replay of one record takes less."""
BEHIND_S = {"physical": 3.0, "logical": 15.0}
"""Lag below this is healthy. A subscriber confirms an idle stream only every ``wal_receiver_status_interval``, 10 s."""
IDLE_S = 10.0
DELAY_SLACK_S = 5.0
RARE_TURN_S = 120.0
"""The longest retry interval with which a failing apply worker is told from one that stopped failing."""


def judge(
    link: LinkState, now: float, up: NodeState | None, down: NodeState | None, row: Downstream | None, clock: LsnClock
) -> Verdict:
    """The verdict. Order matters: what cannot go on, then what is not there, then what moves and how."""
    up_answers, down_answers = up is not None and up.answers, down is not None and down.answers
    if not up_answers and not down_answers:
        return _unseen(up, down)
    if _broken(link, now, up, down):
        return "broken"
    if not link.connected:
        if up is not None and up.down:
            return "upstream_unreachable"
        if down is not None and down.down:
            return "downstream_unreachable"
        return "cut_off"
    positions = down.sample.positions if down is not None and down_answers and down.sample is not None else None
    if positions is not None and positions.replay_paused:
        return "replay_paused"
    subscription = subscription_of(link, down) if down_answers else None
    if subscription is not None and is_blocked(subscription):
        return "replay_stalled"
    if row is not None and is_held_back(row) and now - link.moved_at >= STALLED_S:
        return "replay_stalled"
    if link.lag_s is None:
        return "unknown"
    if link.lag_bytes == 0 or link.lag_s == 0.0:
        return caught_up(clock)
    if positions is not None and positions.apply_delay_s > 0 and link.lag_s <= positions.apply_delay_s + DELAY_SLACK_S:
        return "delayed_by_design"
    if now - link.moved_at >= STALLED_S and (outstanding(link) or link.kind == "logical"):
        return "replay_stalled" if link.lag_s >= BEHIND_S[link.kind] or link.kind == "physical" else "healthy"
    if link.lag_s < BEHIND_S[link.kind]:
        return "healthy"
    return "catching_up" if (link.growth_s or 0.0) < 0.0 else "falling_behind"


def caught_up(clock: LsnClock) -> Verdict:
    """The verdict of a link that has all there is."""
    return "healthy" if clock.moved_within(IDLE_S) else "idle"


def slot_of(link: LinkState, up: NodeState | None) -> Slot | None:
    """The upstream's slot for a link, when there is one."""
    if up is None or up.sample is None or link.slot is None:
        return None
    return next((slot for slot in up.sample.slots if slot.name == link.slot), None)


def subscription_of(link: LinkState, down: NodeState | None) -> Subscription | None:
    """The downstream's subscription for a logical link."""
    if down is None or down.sample is None or link.kind != "logical":
        return None
    return next((s for s in down.sample.subscriptions if s.name == link.name), None)


def missing_publications(link: LinkState, up: NodeState, subscription: Subscription) -> list[str]:
    """Publications that a subscription names and its publisher does not have.

    Seen when the publisher's agent is connected to the database that the slot is in.
    """
    slot, sample = slot_of(link, up), up.sample
    if slot is None or sample is None or not sample.database or sample.database != slot.database:
        return []
    return [name for name in subscription.publications if name not in sample.publications]


def in_error_loop(node: NodeState, subscription: Subscription, now: float) -> bool:
    """Whether the apply worker fails again and again. A lost connection counts as one error and is none of this."""
    window = node.windows.get(f"apply_error:{subscription.name}")
    # With a long retry interval errors are rare; between them there is no worker.
    return window is not None and window.recurs(now, LONGEST_TURN_S if subscription.pid is not None else RARE_TURN_S)


def is_blocked(subscription: Subscription) -> bool:
    """Whether the apply worker waits for somebody's lock. A leader that waits for its own parallel worker does not."""
    wait = subscription.wait
    return (
        wait is not None
        and wait.startswith("Lock/")
        and wait != "Lock/applytransaction"
        and (subscription.transaction_s or 0.0) >= STALLED_S
    )


def is_held_back(row: Downstream) -> bool:
    """Whether the sender waits for standbys of ``synchronized_standby_slots`` before it sends on."""
    return (row.wait or "").endswith("/WaitForStandbyConfirmation")


def slot_is_lost(slot: Slot) -> bool:
    """Whether a slot can no longer serve its consumer."""
    return slot.wal_status == "lost" or slot.invalidation_reason is not None or bool(slot.conflicting)


def _unseen(up: NodeState | None, down: NodeState | None) -> Verdict:
    if up is not None and up.down:
        return "upstream_unreachable"
    if down is not None and down.down:
        return "downstream_unreachable"
    return "unknown"


def _broken(link: LinkState, now: float, up: NodeState | None, down: NodeState | None) -> bool:
    slot = slot_of(link, up) if up is not None and up.answers else None
    if slot is not None and slot_is_lost(slot):
        return True
    if up is None or down is None or not down.answers:
        return False
    if link.kind == "physical":
        ours, theirs = down.node.system_id, up.node.system_id
        return ours is not None and theirs is not None and ours != theirs
    subscription = subscription_of(link, down)
    if subscription is None:
        return False
    if not subscription.enabled or (up.answers and slot is None and link.slot is not None):
        return True
    if up.answers and missing_publications(link, up, subscription):
        return True
    return in_error_loop(down, subscription, now) and now - link.moved_at >= STALLED_S
