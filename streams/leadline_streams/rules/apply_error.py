"""``apply_error``: the apply worker of a subscription fails again and again."""

from leadline.model.lsn import format_lsn
from leadline_streams.engines.postgresql.counters import EVENT_WINDOW_S
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Look, Rule, Words, fact
from leadline_streams.judge.state import LinkState
from leadline_streams.judge.verdict import in_error_loop


def measure(look: Look) -> float | None:
    """Failed attempts in the window, while the worker fails again and again."""
    node, subscription = look.node, look.subscription
    if node is None or subscription is None or not subscription.apply_errors or not subscription.enabled:
        return None
    window = node.windows.get(f"apply_error:{subscription.name}")
    if window is None or not in_error_loop(node, subscription, look.now):
        return None
    return float(window.count(look.now)) or None


def describe(look: Look, value: float) -> Words:
    """Attempts, the worker, and whether the subscription got on since."""
    node, subscription = look.node, look.subscription
    assert node is not None
    assert subscription is not None
    facts = [
        fact("apply_errors", int(value), node.name, f"attempts in {EVENT_WINDOW_S:g} s; one error is tried for ever"),
        fact("worker", subscription.pid or "none", node.name),
    ]
    link = _link(look, subscription.name)
    if link is not None:
        still = f"unchanged for {look.now - link.moved_at:.0f} s"
        facts.append(fact("confirmed_lsn", format_lsn(link.position or 0), link.upstream, still))
        facts.append(fact("lag_bytes", link.lag_bytes, link.downstream))
    return Words(
        f"subscription {subscription.name} on {node.name} failed {value:.0f} times within {EVENT_WINDOW_S / 60:g} "
        "minutes and applies nothing",
        facts,
    )


def _link(look: Look, name: str) -> LinkState | None:
    assert look.node is not None
    links = look.cluster.memory.links.values()
    return next((k for k in links if k.downstream == look.node.name and k.name == name), None)


RULE = Rule(
    name="apply_error",
    family="conflict",
    on="subscription",
    unit="attempts",
    help="Attempts of the apply worker that failed in 300 s, while it still fails. PostgreSQL 15 and later count them.",
    # A worker is started anew every wal_retrieve_retry_interval, 5 s by default: 20 attempts are 100 s.
    limits=Limits(warning=2.0, critical=20.0, for_s=10.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    window_s=EVENT_WINDOW_S,
)
