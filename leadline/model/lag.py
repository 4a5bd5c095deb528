"""Lag roll-ups: one record per link and window, for analytics."""

from leadline.model import Time, Value
from leadline.model.alert import Verdict
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.observation import LinkKind


class LagRollup(Value, frozen=True, kw_only=True):
    """What one link did between ``start`` and ``end``, in event time. None where it could not be known."""

    cluster: ClusterName
    datacenter: str
    link: LinkId
    upstream: NodeName
    downstream: NodeName
    link_kind: LinkKind
    window_s: float
    start: Time
    end: Time
    samples: int
    lag_min_s: float | None
    lag_avg_s: float | None
    lag_max_s: float | None
    lag_last_s: float | None
    bytes_max: int | None
    bytes_last: int | None
    verdict: Verdict
    """The last one in the window."""
    verdicts: dict[str, int]
    """How many samples had each verdict."""
