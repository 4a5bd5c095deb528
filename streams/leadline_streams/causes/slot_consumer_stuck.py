"""``slot_consumer_stuck``: the consumer of a slot is connected and does not keep up, or confirms nothing."""

from collections.abc import Iterator

from leadline.catalogue.entry import LATE
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Slot
from leadline.words import duration, size
from leadline_streams.engines.postgresql.links import is_held_back, is_logical
from leadline_streams.engines.postgresql.slots import decoded_bytes, sent_unconfirmed
from leadline_streams.engines.postgresql.statements import end_sender, show_senders, show_session, show_slot
from leadline_streams.engines.postgresql.timeouts import keepalive_s
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import GUESS, CauseRule, Claim
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.verdict import STALLED_S


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An active slot with an alert about its retention, or whose consumer has no agent and receives nothing.

    A consumer of changes without an agent is named for its lag, too: what it confirms is all that is seen of it.
    """
    warned = {alert.subject.id for alert in context.alerts if alert.rule == "slot_retention_forecast"}
    dead = {
        (affected.link.upstream, affected.link.slot)
        for affected in context.links
        if affected.link.agentless and not affected.link.connected and not is_logical(affected.link)
    }
    silent = {
        (affected.link.upstream, affected.link.slot): claim
        for affected in context.links
        if (claim := _confirms_nothing(context, affected)) is not None
    }
    yield from silent.values()
    for node in context.nodes:
        if not node.answers or node.sample is None:
            continue
        for slot in node.sample.slots:
            if (node.name, slot.name) in silent:
                continue
            if slot.active and ((node.name, slot.name) in dead or context.about_slot(node, slot.name).id in warned):
                yield _claim(context, node, node.sample, slot)


def _confirms_nothing(context: DiagnosisContext, affected: AffectedLink) -> Claim | None:
    """A consumer of changes that is sent more than it confirms, and has confirmed nothing for a while."""
    link, node, row, slot = affected.link, affected.up, affected.row, affected.slot
    if not link.agentless or not is_logical(link) or affected.rules.isdisjoint(LATE):
        return None
    if node is None or row is None or slot is None or is_held_back(row):
        return None
    since_s = context.now - link.moved_at
    unconfirmed = sent_unconfirmed(slot, row)
    if since_s < STALLED_S or not unconfirmed:
        return None
    up, who = node.name, f"{row.name} at {row.address}" if row.address else row.name
    replies = row.reply_age_s is not None and row.reply_age_s < keepalive_s(node)
    for_s = f"for {duration(since_s)}"
    if row.flush_lsn is None and row.connected_s is not None:
        for_s = f"since it connected {duration(row.connected_s)} ago"
    held = node.held.get(slot.name)
    decoded = decoded_bytes(slot) - held.decoded if held is not None else 0
    large = [fact("decoded", decoded, up, "bytes of large transactions, which take long to receive")]
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=_confidence(link.verdict == "healthy", decoded > 0, replies),
        title=f"{row.name} reads slot {slot.name} on {up} and confirms nothing",
        summary=f"{who} (pid {row.pid}) is connected to slot {slot.name} on {up}, is sent changes, "
        f"{'replies' if replies else 'does not reply'}, and has confirmed nothing {for_s}: {up} retains "
        f"{size(slot.retained_bytes)} of WAL for it",
        steps=_look_there(up, slot, row.name, who),
        evidence_for=[
            fact("consumer", row.name, up, f"{row.address or 'Unix socket'}, sender pid {row.pid}, {row.state}"),
            fact("confirmed_lsn", slot.confirmed_lsn, up, f"unchanged for {duration(since_s)}"),
            fact("sent_lsn", row.sent_lsn, up, f"{size(unconfirmed)} more than is confirmed"),
            fact("write_lsn", row.write_lsn or "none", up, "received, as the consumer says"),
            fact("reply_age_s", row.reply_age_s, up, row.wait),
            fact("retained_bytes", slot.retained_bytes, up),
        ],
        evidence_against=large if decoded > 0 else [],
        not_seen=[fact("consumer", "not seen", None, f"the messages of {row.name} show what it waits for")],
    )


def _confidence(in_time: bool, large: bool, replies: bool) -> float:
    """A guess while it has not taken longer than it does; a large transaction may be the reason."""
    if in_time:
        return GUESS
    return 0.6 if large else 0.9 if replies else 0.8


def _look_there(up: NodeName, slot: Slot, name: str, who: str) -> list[Step]:
    """Looks at the side of the consumer. A consumer that lost its slot would have to begin again."""
    there = (
        f"In the messages of {who}: see whether it delivers what it receives, stores its position, and reports it as "
        "flushed, also while only other tables or databases change (Debezium: heartbeat.interval.ms). If it is a "
        f"subscription: pg_stat_subscription and the server log there. It needs slot {slot.name}, without which it "
        "would miss changes"
    )
    again = f"If it hangs, restart {name}: it receives again what it has not confirmed"
    return [
        show_slot(up, slot.name),
        show_senders(up),
        Step(risk="look", text=there),
        Step(risk="careful", text=again),
    ]


def _claim(context: DiagnosisContext, node: NodeState, sample: Sample, slot: Slot) -> Claim:
    row = first(sample.downstreams, "slot", slot.name)
    consumer = f"{row.name} (pid {row.pid})" if row is not None else f"pid {slot.active_pid}"
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.7,
        title=f"the consumer of slot {slot.name} on {node.name} does not keep up",
        summary=f"{consumer} is connected to slot {slot.name} on {node.name} and has not confirmed "
        f"{size(slot.retained_bytes)} of WAL",
        steps=[show_senders(node.name), *_end(node, slot, row)],
        evidence_for=[
            fact("active_pid", slot.active_pid, node.name, row.wait if row is not None else None),
            fact("restart_lsn", slot.restart_lsn, node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            *([fact("reply_age_s", row.reply_age_s, node.name, row.state)] if row is not None else []),
        ],
    )


def _end(node: NodeState, slot: Slot, row: Downstream | None) -> list[Step]:
    """End the sender: a consumer that still runs connects again. A backup or a copy would have to begin again."""
    if slot.active_pid is None:
        return []
    looks = [
        show_session(node.name, slot.active_pid),
        Step(risk="look", text="If the consumer waits for something, resolve that; if it hangs, end its sender"),
    ]
    streams = row is not None and row.pid == slot.active_pid and row.state in ("streaming", "catchup")
    return [*looks, end_sender(node.name, slot.active_pid)] if streams else looks


CAUSE = CauseRule(
    code="slot_consumer_stuck",
    find=find,
)
