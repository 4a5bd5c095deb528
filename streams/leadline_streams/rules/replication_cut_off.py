"""``replication_cut_off``: a link that should be connected is not, although both servers run."""

from leadline.words import duration
from leadline_streams.engines.postgresql.links import row_of, slot_of, subscription_of
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.engines.postgresql.timing import longer_s
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import LinkContext, Rule, Words, fact

PASSING = frozenset({"pg_basebackup", "pg_receivewal", "pg_recvlogical"})
"""Programs that connect for a while. One that must stay connected uses a slot."""


def measure(context: LinkContext) -> float | None:
    """Seconds since the link was cut. For a server that is down, ``node_down`` fires instead.

    A downstream tries to connect again after its ``wal_retrieve_retry_interval``, which may be long.
    """
    link = context.link
    if link.connected or link.verdict not in ("cut_off", "broken"):
        return None
    if not _is_expected(context, link):
        return None
    cut_s = context.now - link.cut_since if link.cut_since is not None else 0.0
    return cut_s if cut_s >= longer_s(context.down, "wal_retrieve_retry_interval") else None


def _is_expected(context: LinkContext, link: LinkState) -> bool:
    """Whether the link should be connected: not one of a disabled subscription, and not a backup that has ended."""
    subscription = subscription_of(link, context.down)
    if subscription is not None and context.down is not None:
        # For the others, subscription_disabled or apply_error fires.
        return subscription.enabled and not in_error_loop(context.down, subscription, context.now)
    if link.kind == "backup":
        # One that is gone has its backup, and slot_inactive fires where it left a slot; one that is there hangs.
        return row_of(link, context.up) is not None
    if not link.agentless:
        return True
    if link.slot is None:
        return link.downstream not in PASSING
    slot = slot_of(link, context.up)
    return slot is not None and not slot.temporary


def describe(context: LinkContext, value: float) -> Words:
    """The state at each end, and the upstream that the downstream is configured to follow."""
    link = context.link
    facts = []
    if context.up is not None and context.up.answers:
        facts.append(fact("sender", "none", link.upstream, f"{link.upstream} sends nothing to {link.downstream}"))
        slot = slot_of(link, context.up)
        if slot is not None:
            state = f"{'active' if slot.active else 'inactive'}, {slot.wal_status or 'no wal_status'}"
            facts.append(fact("slot", slot.name, link.upstream, state))
        elif link.slot is not None:
            facts.append(fact("slot", link.slot, link.upstream, "no such slot"))
    receiver = context.down.sample.upstream if context.down is not None and context.down.sample is not None else None
    if receiver is not None:
        where = f"{receiver.host}:{receiver.port}" if receiver.configured else "primary_conninfo is empty"
        facts.append(fact("receiver", receiver.status or "none", link.downstream, f"follows {where}"))
    if link.lag_units is not None:
        facts.append(fact("lag_bytes", link.lag_units, link.downstream))
    return Words(f"{link.downstream} has received nothing from {link.upstream} for {duration(value)}", facts)


RULE = Rule(
    name="replication_cut_off",
    on=LinkContext,
    limits=Limits(warning=0.0, critical=300.0, for_s=30.0, keep_s=30.0),
    measure=measure,
    describe=describe,
)
