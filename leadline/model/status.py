"""Status: the present state of each link and node as judged, for views of a fleet."""

from typing import Literal

from leadline.model import Count, Int64, Time, Value
from leadline.model.alert import Verdict
from leadline.model.ids import ClusterName, LinkId, NodeName
from leadline.model.node import Engine, LinkKind, Role, Unit

NodeHealth = Literal["up", "down", "refused", "not_ready", "unseen", "silent"]
"""``down``: its agent found no server, or got no answer. ``refused``: it runs and refuses its agent. ``not_ready``: it
runs and accepts no connections yet or any more. ``unseen``: its agent did not get as far as the server, for instance
because its host name is unknown. ``silent``: its agent does not report. Of the last two the node's state is not
known."""


SlotTrend = Literal["little", "steady", "grows", "lost", "unknown"]
"""The course of the WAL that a slot retains. ``little``: too little to watch. ``unknown``: not watched for long enough,
or the server does not say how much it is."""


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
    """Behind the primary at the root, in seconds of its clock; None when that is not known. At most this much where
    ``lag_is_bound``."""
    lag_is_bound: bool = False
    """Whether the lag is known within bounds only: the primary was not observed yet when it wrote the link's position.
    ``lag_s`` is the upper bound then, and None when there is none. No rule judges by it."""
    lag_at_least_s: float | None = None
    """The lower bound, where ``lag_is_bound``: the time since the first sample of the primary."""
    behind: Int64 | None
    """Behind the primary at the root, in ``unit``; None when that is not known."""
    unit: Unit = "bytes"
    observers: list[NodeName]
    """The ends of the link whose agents report."""
    at: Time


class SlotStatus(Value, frozen=True, kw_only=True):
    """One replication slot as its server last showed it."""

    name: str
    slot_kind: LinkKind
    active: bool
    """Whether somebody reads from it."""
    wal_status: str | None = None
    """As the server names it."""
    retained_bytes: Int64 | None = None
    """WAL that is kept for it; None where the server does not say."""
    trend: SlotTrend
    growth_bytes_per_s: float | None = None
    """By which ``retained_bytes`` grew over the last 15 to 60 s; None while it retains little."""
    left_bytes: Int64 | None = None
    """Until the slot is lost or the volume is full, whichever is first; None where no limit is seen."""
    full_in_s: float | None = None
    """Seconds until then at that growth; None without growth or limit."""


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
    """The reason for which it is not up; or the node that is the same server under another address."""
    blind: str | None = None
    """The reason that its agent sees only a part of it, with the statement that changes it; None when it sees all."""
    position: str | None = None
    """The end of what a primary has written or a replica has applied, as the engine prints it."""
    write_rate: float | None = None
    """Units a second that a primary writes, over ten seconds; None for other nodes, and when it is not known."""
    unit: Unit = "bytes"
    slots: list[SlotStatus] = []
    """While it is up, its slots: the 100 that are full soonest."""
    slots_total: Count = 0
    """All of them."""
    at: Time


Status = LinkStatus | NodeStatus
"""Anything on the status topic."""
