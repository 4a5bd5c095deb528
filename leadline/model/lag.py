"""Lag roll-ups: one record per link and window, for analytics."""

from leadline.model import Int64, Time, Value
from leadline.model.alert import Verdict
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.node import LinkKind, Unit


class LagRollup(Value, frozen=True, kw_only=True):
    """Lag and verdicts of one link from ``start`` to ``end``, in event time. None means not known."""

    cluster: ClusterName
    datacenter: str
    link: LinkId
    upstream: NodeName
    downstream: NodeName
    link_kind: LinkKind
    window_s: float
    start: Time
    end: Time
    samples: Int64
    lag_min_s: float | None
    lag_avg_s: float | None
    lag_max_s: float | None
    lag_last_s: float | None
    bytes_max: Int64 | None
    """None where positions are not bytes."""
    bytes_last: Int64 | None
    verdict: Verdict
    """The last one in the window."""
    verdicts: dict[str, Int64]
    """Number of samples with each verdict."""
    unit: Unit = "bytes"
    """Of the link's positions."""
    transactions_max: Int64 | None = None
    """None where positions are not transactions."""
    transactions_last: Int64 | None = None
