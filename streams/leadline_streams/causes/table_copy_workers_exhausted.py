"""``table_copy_workers_exhausted``: no worker is free for the initial copies of a subscription."""

from collections.abc import Iterator

from leadline.words import duration
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.engines.postgresql.table_copies import stuck
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_waiting"})
PER_SUBSCRIPTION = "max_sync_workers_per_subscription"
ALL = "max_logical_replication_workers"
PROCESSES = "max_worker_processes"
SPARE = 4
"""Workers for initial copies, beside those of the subscriptions."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Tables that no worker copies, where the apply worker is free to start one and a limit is reached."""
    for affected in affected_subscriptions(context, RULES):
        node, name = affected.node, affected.node.name
        for each in stuck(context.cluster, node, affected.subscription):
            limit = _reached(context, node) if each.copy is None else None
            if limit is None or (affected.subscription.wait or "").startswith("Lock/"):
                continue
            setting, value, used = limit
            change, changed = context.blame(node, setting)
            restart = setting != PER_SUBSCRIPTION
            yield Claim(
                subject=affected.about,
                confidence=0.93,
                title=f"{name} has no free worker to copy {each.tables}",
                summary=f"{each.tables} of {affected.name} {'have' if ',' in each.tables else 'has'} waited for a "
                f"worker for {duration(context.now - each.since)}: {setting} = {value} on {name} is reached "
                f"({used} in use){change}",
                steps=[
                    show_settings(name, PER_SUBSCRIPTION, ALL, PROCESSES),
                    *change_setting(
                        name, setting, str(value + SPARE), "careful" if restart else "safe", restart=restart
                    ),
                ],
                evidence_for=[
                    fact("tables", each.tables, name, "no worker copies them"),
                    fact(setting, value, name, f"{used} in use"),
                    *changed,
                ],
            )


def _reached(context: DiagnosisContext, node: NodeState) -> tuple[str, int, int] | None:
    """The limit that prevents a worker: setting, value, number in use."""
    if context.number(node, PER_SUBSCRIPTION) == 0:
        return PER_SUBSCRIPTION, 0, 0
    used = sum(each.workers for each in node.sample.subscriptions) if node.sample is not None else 0
    for setting, taken in ((ALL, used), (PROCESSES, used + 1)):  # the launcher is a process too
        limit = context.number(node, setting)
        if limit is not None and taken >= limit:
            return setting, limit, taken
    return None


CAUSE = CauseRule(
    code="table_copy_workers_exhausted",
    find=find,
)
