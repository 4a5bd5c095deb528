"""``config_mismatch``: a setting is lower on a standby than on its primary, and must not be."""

from leadline.clock import moment
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.mismatches import too_low
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, LinkContext, Rule, Words, fact


def measure(context: LinkContext) -> float | None:
    """Number of settings that are too low; unknown while the settings of either end are not known."""
    link = context.link
    if not is_streaming(link) or link.agentless:
        return None
    primary = _primary(context)
    if context.down is None or primary is None or not context.down.settings or not primary.settings:
        return UNKNOWN
    return float(len(too_low(primary, context.down))) or None


def _primary(context: LinkContext) -> NodeState | None:
    """The primary at the root of the chain: a standby needs at least its values, through any cascade."""
    up = context.up
    return up if up is None or up.node.role == "primary" else root_of(context.cluster, up.name)


def describe(context: LinkContext, value: float) -> Words:
    """Each setting with both values."""
    link, primary, standby = context.link, _primary(context), context.down
    mismatches = too_low(primary, standby) if primary is not None and standby is not None else []
    names = ", ".join(name for name, _, _ in mismatches) or f"{value:.0f} settings"
    return Words(
        f"{names} lower on {link.downstream} than on its primary",
        [
            fact(name, ours, link.downstream, f"{theirs} on {_named(link, primary)}{_since(name, primary, standby)}")
            for name, theirs, ours in mismatches
        ],
    )


def _named(link: LinkState, primary: NodeState | None) -> str:
    return primary.name if primary is not None else link.upstream


def _since(name: str, *nodes: NodeState | None) -> str:
    """Since when two servers differ: the last change of the setting on either; nothing where none was seen."""
    changed = [(node.changed_at.get(name, 0.0), node.name) for node in nodes if node is not None]
    at, where = max(changed, default=(0.0, ""))
    return f", since it was changed on {where} at {moment(at):%Y-%m-%d %H:%M:%S} UTC" if at else ""


RULE = Rule(
    name="config_mismatch",
    on=LinkContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)
