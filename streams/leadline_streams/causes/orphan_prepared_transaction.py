"""``orphan_prepared_transaction``: a prepared transaction that nobody ends retains WAL of a slot, or dead rows."""

from collections.abc import Iterator

from leadline.model.activity import Activity
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline.words import duration, size
from leadline_streams.engines.postgresql.horizon import Holder, holders
from leadline_streams.engines.postgresql.slots import has_old_prepared, oldest_writer, retained_for_transactions
from leadline_streams.engines.postgresql.statements import show_prepared
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A logical slot that confirms changes while its restart position stays, beside an old prepared transaction.

    Or a server that takes writes, whose oldest snapshot a prepared transaction holds.
    """
    for node in context.nodes:
        activity = node.sample.activity if node.answers and node.sample is not None else None
        if node.sample is None or activity is None or not has_old_prepared(activity):
            continue
        found = holders(context.cluster, node, context.now) if node.writable else []
        if found and found[0].prepared is not None:
            yield _of_vacuum(context, node, found[0])
        for slot in node.sample.slots:
            if retained_for_transactions(slot) is not None:
                yield _claim(context, node, slot, activity)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot, activity: Activity) -> Claim:
    session = oldest_writer(activity)
    is_oldest = session is None or session.age_s < activity.prepared_oldest_s
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.91 if is_oldest else 0.6,
        title=f"a prepared transaction on {node.name} makes slot {slot.name} retain WAL",
        summary=f"{activity.prepared_transactions} prepared transactions on {node.name}, the oldest "
        f"{duration(activity.prepared_oldest_s)} old, retain {size(retained_for_transactions(slot))} of WAL that the "
        f"consumer of slot {slot.name} has confirmed",
        steps=_steps(node),
        evidence_for=_evidence(node, slot, activity, is_oldest),
    )


def _of_vacuum(context: DiagnosisContext, node: NodeState, holder: Holder) -> Claim:
    return Claim(
        subject=context.about_node(node),
        confidence=0.93,
        title=f"a prepared transaction on {node.name} holds vacuum back",
        summary=f"{holder.name} on {node.name}, prepared {duration(holder.held_s)} ago and not ended, keeps vacuum "
        f"from removing rows that died within the last {holder.age} transactions",
        steps=_steps(node),
        evidence_for=[fact("xmin_age", holder.age, node.name, holder.name)],
    )


def _steps(node: NodeState) -> list[Step]:
    """Only the transaction manager has the outcome: ended by hand the other way, the servers differ."""
    text = (
        "Ask the transaction manager of the oldest one for its outcome: only it can tell whether the transaction was "
        "committed elsewhere, and it can end it here"
    )
    return [show_prepared(node.name), Step(risk="look", node=node.name, text=text)]


def _evidence(node: NodeState, slot: Slot, activity: Activity, is_oldest: bool) -> list[Evidence]:
    note = "older than the transaction of any session" if is_oldest else "a session's transaction is older"
    return [
        fact("prepared_transactions", activity.prepared_transactions, node.name),
        fact("prepared_oldest_s", activity.prepared_oldest_s, node.name, note),
        fact("confirmed_lsn", slot.confirmed_lsn, node.name),
        fact("restart_lsn", slot.restart_lsn, node.name),
    ]


CAUSE = CauseRule(
    code="orphan_prepared_transaction",
    find=find,
)
