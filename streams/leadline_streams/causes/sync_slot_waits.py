"""``sync_slot_waits``: the creation of a slot waits for transactions on the publisher."""

from collections.abc import Iterator

from leadline.model.activity import Session, WaitingSender
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline.words import duration
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.sessions import brief, described
from leadline_streams.engines.postgresql.slots import creation_on_standby_s, oldest_writer
from leadline_streams.engines.postgresql.statements import end_session, show_prepared, show_session
from leadline_streams.engines.postgresql.table_copies import stuck, waiting_senders
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_waiting"})
TRANSACTION = "Lock/transactionid"
"""Wait event of a slot's creation, which waits for the end of each transaction that ran when it began."""
ASKING = "libpqwalreceiverreceive"
"""The end of the wait event of CREATE SUBSCRIPTION, which waits for its publisher to create the slot, in lower case."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A copy whose sender waits for a transaction, and other slots whose creation does."""
    for affected in affected_subscriptions(context, RULES):
        for each in stuck(context.cluster, affected.node, affected.subscription):
            sender = each.sender
            if each.copy is None or each.has_begun:
                continue
            waits = duration(context.now - each.since)
            what = f"the copy of {each.tables} by {affected.name} has not begun for {waits}"
            if sender is not None and sender.waiting is not None and sender.waiting.wait == TRANSACTION:
                yield _claim(affected.about, sender.publisher, sender.waiting, what)
            elif sender is None:
                yield _unseen(affected.about, affected.node, each.copy.pid, what)
    open_on = {alert.subject.id for alert in context.alerts if alert.rule == "slot_creation_waiting"}
    for node in context.nodes:
        for waiting in waiting_senders(node.sample) if node.answers and node.sample is not None else ():
            about = context.about_slot(node, waiting.slot or "")
            if about.id in open_on and waiting.wait == TRANSACTION:
                waits = duration(waiting.waits_s)
                yield _claim(
                    about, node, waiting, f"slot {waiting.slot} on {node.name} is not created yet after {waits}"
                )
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            waits_s = creation_on_standby_s(node, slot)
            if waits_s is not None and context.about_slot(node, slot.name).id in open_on:
                yield _on_standby(context, node, slot, waits_s)


def _claim(about: Subject, publisher: NodeState, waiting: WaitingSender, what: str) -> Claim:
    up = publisher.name
    session = waiting.blockers[0] if waiting.blockers else None
    if session is not None and (session.wait or "").lower().endswith(ASKING):
        return _of_own_server(about, up, waiting, session, what)
    if session is not None:
        whom = brief(session, up)
    elif waiting.prepared:
        whom = f"prepared transaction {waiting.prepared[0]} on {up}"
    else:
        whom = f"a transaction on {up}"
    return Claim(
        subject=about,
        confidence=0.96 if session is not None or waiting.prepared else 0.8,
        title=f"a new slot on {up} waits for {'a prepared' if waiting.prepared else 'an open'} transaction",
        summary=f"{what}: it waits for {whom}. A logical slot is created only when every transaction that ran at its "
        "beginning has ended",
        steps=_steps(publisher, session, waiting),
        evidence_for=[
            fact("sender", waiting.wait, up, f"pid {waiting.pid}, {waiting.command} for {duration(waiting.waits_s)}"),
            *(fact("blocker", described(each), up, each.query) for each in waiting.blockers),
            *(fact("prepared_transaction", gid, up) for gid in waiting.prepared),
        ],
    )


def _on_standby(context: DiagnosisContext, node: NodeState, slot: Slot, waits_s: float) -> Claim:
    """A standby creates a logical slot from what its primary writes about transactions that run there."""
    up = root_of(context.cluster, node.name)
    known = up is not None and up.answers and up.sample is not None and up.name != node.name
    activity = up.sample.activity if known and up is not None and up.sample is not None else None
    writer = oldest_writer(activity) if activity is not None else None
    primary = up.name if known and up is not None else NodeName("its primary")
    if writer is not None:
        whom = f"{brief(writer, primary)} has written and not ended"
        ask = Step(risk="look", node=primary, text="Ask its owner to end the transaction: the slot is created then")
        steps = [show_session(primary, writer.pid), ask, *end_session(primary, writer)]
    else:
        whom = f"{primary} has not written them, as one does not where nothing is written, or an old one runs there"
        steps = [Step(risk="safe", node=primary if known else None, sql="SELECT pg_log_standby_snapshot()")]
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.85 if writer is not None else 0.6,
        title=f"a new slot on {node.name} waits for its primary",
        summary=f"slot {slot.name} on {node.name} is not created yet after {duration(waits_s)}: a standby creates a "
        f"logical slot when its primary has written which transactions run, and the old ones have ended; {whom}",
        steps=steps,
        evidence_for=[
            fact("active_pid", slot.active_pid, node.name, "creates the slot; it waits without a lock"),
            *([fact("writer", described(writer), primary, writer.query)] if writer is not None else []),
        ],
        not_seen=[] if known else [fact("transactions", "not seen", None, "an agent on the primary shows them")],
    )


def _of_own_server(about: Subject, up: NodeName, waiting: WaitingSender, session: Session, what: str) -> Claim:
    """CREATE SUBSCRIPTION to a database of its own server: it waits for the slot, and the slot for its transaction."""
    text = (
        "Create the slot first, in the publishing database, with SELECT pg_create_logical_replication_slot('...', "
        "'pgoutput'), then run CREATE SUBSCRIPTION there again WITH (create_slot = false, slot_name = '...')"
    )
    return Claim(
        subject=about,
        confidence=0.96,
        title=f"CREATE SUBSCRIPTION on {up} waits for itself",
        summary=f"{what}: it waits for {brief(session, up)}, which runs CREATE SUBSCRIPTION "
        "to a database of the same server and waits for this slot. Neither ends by itself",
        steps=[
            show_session(up, session.pid),
            Step(risk="careful", node=up, sql=f"SELECT pg_cancel_backend({session.pid})"),
            Step(risk="safe", node=up, text=text),
        ],
        evidence_for=[
            fact("sender", waiting.wait, up, f"pid {waiting.pid}, {waiting.command} for {duration(waiting.waits_s)}"),
            fact("blocker", described(session), up, session.wait),
        ],
    )


def _steps(publisher: NodeState, session: Session | None, waiting: WaitingSender) -> list[Step]:
    up = publisher.name
    if session is not None:
        ask = "Ask its owner to end the transaction: the copy goes on by itself. If nobody needs it, end the session"
        return [show_session(up, session.pid), Step(risk="look", node=up, text=ask), *end_session(up, session)]
    if waiting.prepared:
        ask = "Find the transaction manager that prepared it: it has to commit it or to roll it back"
        return [show_prepared(up), Step(risk="look", node=up, text=ask)]
    return [show_session(up, waiting.pid)]


def _unseen(about: Subject, node: NodeState, pid: int, what: str) -> Claim:
    """The publisher is not watched, so what its sender waits for is not known."""
    sql = (
        "SELECT pid, application_name, wait_event_type, wait_event, query, pg_blocking_pids(pid) "
        "FROM pg_stat_activity WHERE backend_type = 'walsender'"
    )
    return Claim(
        subject=about,
        confidence=0.45,
        title=f"an initial copy to {node.name} does not begin",
        summary=f"{what}, and no error is counted: on its publisher the slot of the copy may wait for an open or a "
        "prepared transaction",
        steps=[show_session(node.name, pid), Step(risk="look", text=f"Run on the publisher: {sql}")],
        evidence_for=[fact("worker", pid, node.name, "in state d, has copied nothing")],
        not_seen=[_publisher(node)],
    )


def _publisher(node: NodeState) -> Evidence:
    return fact("publisher", "not seen", node.name, "an agent on the publisher shows what the sender waits for")


CAUSE = CauseRule(
    code="sync_slot_waits",
    find=find,
)
