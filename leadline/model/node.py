"""The server that an observation is about, and terms that all observations share."""

from typing import Annotated, Literal

from msgspec import Meta

from leadline.model import Count, Time, Value
from leadline.model.ids import ClusterName, NodeName

Engine = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["postgresql"])]
"""Name of a database engine. A processor rejects samples of an unknown engine."""
Role = Literal["primary", "standby", "unknown"]
LinkKind = Literal["physical", "archive", "logical", "gtid", "group", "backup"]
"""The way a downstream follows its upstream. ``physical``: a standby streams WAL."""
Unit = Literal["bytes", "transactions"]
"""The unit of an engine's positions."""


class Node(Value, frozen=True, kw_only=True, weakref=True, gc=True):
    """The server that an observation is about, and the run of the agent that made it."""

    name: NodeName
    cluster: ClusterName
    boot: str
    """Identifies one run of the agent for this node; ``seq`` counts within it."""
    engine: Engine = "postgresql"
    datacenter: str = ""
    host: str = ""
    port: Count = 0
    aliases: tuple[str, ...] = ()
    """Further ``host:port`` addresses under which other nodes reach this one: as configured, as the agent reached it,
    and, on the server's own host, those of its network interfaces."""
    version: str = ""
    version_num: Count = 0
    role: Role = "unknown"
    system_id: str | None = None
    timeline: Count | None = None
    started_at: Time | None = None
    """Start of the server process, by its own clock."""
    labels: dict[str, str] = {}
    flavour: str = ""
    """The managed service or the orchestrator that runs the server, if the database shows it: ``rds``, ``patroni``."""
