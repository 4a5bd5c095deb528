"""The look that vitals show: the last look with new numbers, while nothing else has changed. Pure.

Vitals are two fifths of the work of a look for the server. They are read between two looks where a server is healthy:
where no list of a look has a row that is there only while something is wrong, and changes from one second to the next.
Whatever in vitals is no number is compared with the last look; where it differs, or a number shows a problem, the look
itself is read in the same second. So all that a look shows is as fresh as if each second had one, but for what changes
only with a process, a slot, the configuration, or a statement that alters a subscription.
"""

from msgspec.structs import replace

from leadline.model.lsn import parse_lsn
from leadline.model.replication import Slot, Subscription
from leadline_agents.engines.postgresql import vital_rows
from leadline_agents.engines.postgresql.answers import LookAnswer
from leadline_agents.engines.postgresql.vital_answers import Subscribed, VitalsAnswer

BEHIND_S = 1.0
"""With a larger lag the reason for it is looked for: each look is whole."""
STREAMING = "streaming"
_QUIET = ("Activity/", "IO/", "LWLock/")
"""Classes of wait events in which replay waits for nobody."""


def is_healthy(look: LookAnswer) -> bool:
    """Whether vitals may be read after this look."""
    activity = look.activity
    return (
        activity is not None
        and not (activity.blockers or activity.oldest or activity.waiting_senders)
        and not (activity.sync_waiters or activity.prepared_transactions)
        and look.node.may_read_stats
        and not (look.copies or look.wanted)
        and _replays(look)
        and all(row.state == STREAMING for row in look.downstreams)
        and all(map(_is_sound, look.slots))
        and all(map(_applies, look.subscriptions))
    )


def following(last: LookAnswer, seen: VitalsAnswer) -> LookAnswer | None:
    """The look in whose place the vitals were read; None where it has to be read."""
    if not (_is_quiet(seen) and _is_as_before(last, seen)):
        return None
    processes = {process.pid: process for process in seen.sessions.processes or ()}
    positions = vital_rows.positions(last.positions, seen)
    downstreams = vital_rows.downstreams(last, seen, processes)
    upstream = vital_rows.upstream(last.upstream, seen.receiver, seen.at)
    slots = vital_rows.slots(last.slots, seen, vital_rows.end(positions))
    subscriptions = vital_rows.subscriptions(last.subscriptions, seen.subscriber, processes)
    archiver = vital_rows.archiver(last.archiver, seen.archiver)
    if downstreams is None or slots is None or subscriptions is None:
        return None
    if (upstream is None) is not (last.upstream is None) or (archiver is None) is not (last.archiver is None):
        return None
    look = replace(
        last,
        node=replace(last.node, at=seen.at),
        positions=positions,
        downstreams=downstreams,
        upstream=upstream,
        slots=slots,
        subscriptions=subscriptions,
        archiver=archiver,
        alone=seen.sessions.clients == 0,
    )
    return None if _is_behind(last, look) else look


def _is_quiet(seen: VitalsAnswer) -> bool:
    """Whether the lists of the look that are there only while something is wrong have no row."""
    own, wait = seen.sessions, seen.sessions.startup_wait
    return not (own.old or own.locked or own.sync_waiters or own.wanted or seen.prepared) and (
        wait is None or wait.startswith(_QUIET)
    )


def _is_as_before(last: LookAnswer, seen: VitalsAnswer) -> bool:
    """Whether what concerns the whole server has not changed."""
    node = last.node
    own = {Subscribed(row.name, row.enabled, row.slot, row.publications) for row in last.subscriptions}
    return (
        (seen.in_recovery, seen.settings_loaded_at) == (node.in_recovery, node.settings_loaded_at)
        and seen.replay_paused == last.positions.replay_paused
        and sorted(seen.publications or ()) == list(last.publications)
        and (seen.conflicts or 0) == sum(sum(row.kinds.values()) for row in last.conflicts)
        and set(seen.subscribed or ()) == own
    )


def _is_behind(last: LookAnswer, look: LookAnswer) -> bool:
    """Whether a replica lags, or does not move although it is behind."""
    was, at = last.positions, look.positions
    if _stands(was.replayed_lsn, at.replayed_lsn, at.received_lsn):
        return True
    for had, row in zip(last.downstreams, look.downstreams, strict=True):
        if any(lag is not None and lag >= BEHIND_S for lag in (row.write_lag_s, row.flush_lag_s, row.replay_lag_s)):
            return True
        if _stands(had.replay_lsn, row.replay_lsn, row.sent_lsn) or _stands(had.sent_lsn, row.sent_lsn, at.current_lsn):
            return True
    return any(row.transaction_s is not None and row.transaction_s >= BEHIND_S for row in look.subscriptions)


def _stands(before: str | None, position: str | None, end: str | None) -> bool:
    return position is not None and end is not None and position == before and parse_lsn(position) < parse_lsn(end)


def _replays(look: LookAnswer) -> bool:
    receiver = look.upstream
    if not look.node.in_recovery:
        return receiver is None
    return receiver is not None and receiver.pid is not None and receiver.status == STREAMING


def _is_sound(slot: Slot) -> bool:
    complete = slot.kind == "physical" or slot.confirmed_lsn is not None
    valid = slot.invalidation_reason is None and slot.wal_status not in ("lost", "unreserved") and not slot.conflicting
    return complete and valid


def _applies(subscription: Subscription) -> bool:
    ready = not subscription.unsynced and not subscription.blocked_by
    return ready and subscription.enabled and subscription.pid is not None and subscription.workers == 1
