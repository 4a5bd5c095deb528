"""``recovery_conflict_cancels``: replay cancels queries on a standby that stand in its way."""

from collections.abc import Iterator

from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

LIMIT = "max_standby_streaming_delay"
FEEDBACK = "hot_standby_feedback"
PREFIX = "recovery_conflict:"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby whose counters of cancelled queries rose within the window."""
    for node in context.nodes:
        counts = {
            key.removeprefix(PREFIX): window.count(context.now)
            for key, window in node.windows.items()
            if key.startswith(PREFIX)
        }
        kinds = [kind for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if count]
        if not kinds:
            continue
        change, changed = context.blame(node, LIMIT, FEEDBACK)
        listed = ", ".join(f"{counts[kind]} by {kind}" for kind in kinds)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.92,
            title=f"replay cancels queries on {node.name}",
            summary=f"replay on {node.name} cancelled queries: {listed}; {LIMIT} = {context.shown(node, LIMIT)}, "
            f"{FEEDBACK} = {context.shown(node, FEEDBACK)}{change}",
            fix=_fix(context, node, kinds[0]),
            evidence_for=[
                *(fact(f"confl_{kind}", counts[kind], node.name, "in the last 5 minutes") for kind in kinds),
                fact(LIMIT, context.shown(node, LIMIT), node.name),
                fact(FEEDBACK, context.shown(node, FEEDBACK), node.name),
                *changed,
            ],
        )


def _fix(context: DiagnosisContext, node: NodeState, kind: str) -> str:
    if kind in ("snapshot", "active_logicalslot") and context.setting(node, FEEDBACK) == "off":
        return f"On {node.name}: ALTER SYSTEM SET {FEEDBACK} = on; SELECT pg_reload_conf();"
    if kind == "lock":
        return f"Take exclusive locks on the primary when nobody queries {node.name}, or raise {LIMIT} there."
    return f"Raise {LIMIT} on {node.name}, or run its long queries elsewhere."


CAUSE = CauseRule(
    code="recovery_conflict_cancels",
    find=find,
)
