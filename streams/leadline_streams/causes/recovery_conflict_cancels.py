"""``recovery_conflict_cancels``: replay cancels queries on a standby that conflict with it."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.stages import limit_of_queries
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

FEEDBACK = "hot_standby_feedback"
PREFIX = "recovery_conflict:"
PREVENTED_BY = {
    "lock": "Take exclusive locks on the primary when no query runs on {node}, or raise {limit} there. VACUUM takes "
    "one too, to cut off empty pages at the end of a table: set vacuum_truncate = off for tables that are read there",
    "tablespace": "Take a tablespace out of temp_tablespaces of the roles and sessions of {node} before it is dropped "
    "on the primary",
    "deadlock": "On {node}, lock no tables inside transactions that keep a cursor open: {limit} does not prevent "
    "deadlocks with replay",
}
"""Steps by kind of conflict, where feedback does not help."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby whose counters of cancelled queries rose within the window."""
    for node in context.nodes:
        counts = {
            key.removeprefix(PREFIX): window.count(context.now)
            for key, window in node.windows.items()
            if key.startswith(PREFIX)
        }
        kinds = [kind for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count]
        if not kinds:
            continue
        limit = limit_of_queries(node.sample)
        change, changed = context.blame(node, limit, FEEDBACK)
        listed = ", ".join(f"{counts[kind]} by {kind}" for kind in kinds)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.92,
            title=f"replay cancels queries on {node.name}",
            summary=f"replay on {node.name} cancelled queries: {listed}; {limit} = {context.shown(node, limit)}, "
            f"{FEEDBACK} = {context.shown(node, FEEDBACK)}{change}",
            steps=_steps(context, node, limit, kinds[0]),
            evidence_for=[
                *(fact(f"confl_{kind}", counts[kind], node.name, "in the last 5 minutes") for kind in kinds),
                fact(limit, context.shown(node, limit), node.name),
                fact(FEEDBACK, context.shown(node, FEEDBACK), node.name),
                *changed,
            ],
        )


def _steps(context: DiagnosisContext, node: NodeState, limit: str, kind: str) -> list[Step]:
    """The steps that prevent conflicts of a kind. To raise the limit lets replay wait instead, for queries that end."""
    show, name = show_settings(node.name, limit, FEEDBACK), node.name
    if kind in ("snapshot", "active_logicalslot") and context.setting(node, FEEDBACK) == "off":
        return [show, *change_setting(name, FEEDBACK, "on", "careful")]
    if kind in PREVENTED_BY:
        return [show, Step(risk="careful", text=PREVENTED_BY[kind].format(node=name, limit=limit))]
    return [show, Step(risk="careful", text=f"Raise {limit} on {name}, or run its long queries elsewhere")]


CAUSE = CauseRule(
    code="recovery_conflict_cancels",
    find=find,
)
