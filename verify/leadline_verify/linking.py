"""Decides how the downstream follows the upstream, from the facts of both servers. Pure."""

from typing import Literal

from leadline.errors import UsageError
from leadline.model import Value
from leadline_verify.table_facts import KnownSubscription, ServerFacts


class FollowedBy(Value, frozen=True, kw_only=True):
    """The relation of the two servers."""

    kind: Literal["physical", "logical"]
    of_standbys: bool = False
    """Whether the upstream is a standby itself."""
    subscription: KnownSubscription | None = None
    back: KnownSubscription | None = None
    """The subscription of the upstream to the downstream, where each writes and neither has the only truth."""


def find_link(upstream: ServerFacts, downstream: ServerFacts, wanted: str | None = None) -> FollowedBy:
    """The relation of two servers, by the subscription ``wanted`` where there are several. Raises UsageError."""
    if downstream.in_recovery:
        return _physical(upstream, downstream, wanted)
    chosen = _subscription(upstream, downstream, wanted)
    if chosen is None:
        raise UsageError(_no_link(upstream, downstream))
    back = next((each for each in upstream.subscriptions if each.slot in downstream.slots), None)
    return FollowedBy(kind="logical", of_standbys=upstream.in_recovery, subscription=chosen, back=back)


def _physical(upstream: ServerFacts, downstream: ServerFacts, wanted: str | None) -> FollowedBy:
    if wanted is not None:
        raise UsageError("--subscription: the downstream is a standby, which has no subscription of its own")
    if "" not in (upstream.system_id, downstream.system_id) and upstream.system_id != downstream.system_id:
        raise UsageError(
            "the downstream is a standby of another server than the upstream (their system identifiers differ); to "
            "compare a subscriber, give the subscriber itself and not its standby"
        )
    if upstream.database != downstream.database:
        raise UsageError(
            f"the databases differ: {upstream.database} on the upstream, {downstream.database} on the downstream; "
            "give the same dbname for both"
        )
    return FollowedBy(kind="physical", of_standbys=upstream.in_recovery)


def _subscription(upstream: ServerFacts, downstream: ServerFacts, wanted: str | None) -> KnownSubscription | None:
    known = {each.name: each for each in downstream.subscriptions}
    if wanted is not None:
        if wanted not in known:
            has = f"it has {', '.join(known)}" if known else "it has none; is dbname the subscriber's database?"
            raise UsageError(f"--subscription: database {downstream.database} of the downstream has no {wanted}; {has}")
        return known[wanted]
    fitting = [each for each in known.values() if set(each.publications) <= set(upstream.publications)]
    # The name of a publication is often the same on several servers; that of a slot is not.
    found = [each for each in fitting if each.slot in upstream.slots] or fitting
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise UsageError(f"several subscriptions of the downstream fit: {names}; choose one with --subscription")
    return found[0] if found else None


def _no_link(upstream: ServerFacts, downstream: ServerFacts) -> str:
    if upstream.system_id == downstream.system_id and upstream.in_recovery:
        return "the upstream is a standby and the downstream takes writes; give them the other way round"
    if any(set(each.publications) <= set(downstream.publications) for each in upstream.subscriptions):
        return "the upstream subscribes to the downstream; give them the other way round"
    return (
        f"the downstream does not follow the upstream: it is no standby, and in its database {downstream.database} no "
        f"subscription names publications that database {upstream.database} of the upstream has; check both dbname"
    )
