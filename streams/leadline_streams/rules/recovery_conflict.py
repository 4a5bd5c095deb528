"""``recovery_conflict``: replay cancels queries on a standby."""

from leadline.words import duration
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.engines.postgresql.stages import limit_of_queries
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact

PREFIX = "recovery_conflict:"


def measure(context: NodeContext) -> float | None:
    """Queries cancelled in the window, of every kind."""
    node = context.node
    if not node.windows:
        return None
    return float(sum(_by_kind(node, context.now).values())) or None


def _by_kind(node: NodeState, now: float) -> dict[str, int]:
    windows = ((key, window) for key, window in node.windows.items() if key.startswith(PREFIX))
    return {key.removeprefix(PREFIX): window.count(now) for key, window in windows}


def describe(context: NodeContext, value: float) -> Words:
    """Counts by kind, and the settings that decide when replay cancels queries."""
    node = context.node
    kinds = {kind: count for kind, count in sorted(_by_kind(node, context.now).items()) if count}
    names = " and ".join(kinds)
    decided_by = (limit_of_queries(node.sample), "hot_standby_feedback")
    return Words(
        f"replay cancelled {value:.0f} queries on {node.name} within {EVENT_WINDOW_S / 60:g} minutes ({names})",
        [
            *(
                fact(kind, count, node.name, f"cancelled in {duration(EVENT_WINDOW_S)}")
                for kind, count in kinds.items()
            ),
            *(fact(name, node.settings[name].value, node.name) for name in decided_by if name in node.settings),
        ],
    )


RULE = Rule(
    name="recovery_conflict",
    on=NodeContext,
    # A standby that serves queries cancels one now and then; at one a minute, reports fail.
    limits=Limits(warning=5.0, for_s=0.0, keep_s=5.0),
    measure=measure,
    describe=describe,
    window_s=EVENT_WINDOW_S,
)
