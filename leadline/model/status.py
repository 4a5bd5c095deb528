"""Status: what was judged of each link and node last, for whoever shows the present state."""

from typing import Literal

from leadline.model import Int64, Time, Value
from leadline.model.alert import Verdict
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.observation import Engine, LinkKind, Role, Unit

NodeHealth = Literal["up", "down", "silent"]
"""``down``: its agent could not read it. ``silent``: its agent does not report, so its state is not known."""


class LinkStatus(Value, frozen=True, kw_only=True, tag="link", tag_field="kind"):
    """One link as judged at ``at``; the latest record of a link replaces the earlier ones."""

    cluster: ClusterName
    datacenter: str
    link: LinkId
    upstream: NodeName
    downstream: NodeName
    link_kind: LinkKind
    name: str = ""
    """The subscription or channel, where the engine names one."""
    verdict: Verdict
    since: Time
    """When the verdict became this one."""
    connected: bool
    lag_s: float | None
    """Behind the primary at the root, in seconds of its clock; None when that is not known."""
    lag_is_bound: bool = False
    """Whether ``lag_s`` is a bound: the primary was not observed yet when its log ended at the link's position."""
    behind: Int64 | None
    """The same in ``unit``."""
    unit: Unit = "bytes"
    observers: list[NodeName]
    """The nodes whose agents report."""
    at: Time


class NodeStatus(Value, frozen=True, kw_only=True, tag="node", tag_field="kind"):
    """One node as judged at ``at``; the latest record of a node replaces the earlier ones."""

    cluster: ClusterName
    datacenter: str
    node: NodeName
    engine: Engine
    version: str
    role: Role
    health: NodeHealth
    since: Time
    """When its health or role became this one."""
    note: str | None = None
    """Why it is not up."""
    position: str | None = None
    """The end of its log, or of what it has applied, as the engine writes it."""
    write_rate: float | None = None
    """Units that a primary writes a second."""
    unit: Unit = "bytes"
    at: Time


Status = LinkStatus | NodeStatus
"""Anything on the status topic."""
