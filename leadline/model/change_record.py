"""One change of a server on record: a setting, its version or its role, between two looks at it.

The stream worker derives them from consecutive observations alone. Secrets in values are masked by the agent.
"""

from typing import Annotated

from msgspec import Meta

from leadline.model import Value
from leadline.model.ids import ClusterName
from leadline.model.incident import Change


class ChangeRecord(Value, frozen=True, kw_only=True):
    """A change, and the cluster of its server."""

    change_id: Annotated[str, Meta(min_length=1)]
    """``orders/pg-1/max_wal_senders/2026-11-30T16:00:00.000Z``: one that is written again after a
    restart is the same."""
    cluster: ClusterName
    datacenter: str = ""
    change: Change
