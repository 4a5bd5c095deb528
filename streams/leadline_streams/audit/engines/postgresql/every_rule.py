"""Every audit rule for PostgreSQL, by id."""

from typing import Final

from leadline_streams.audit.engines.postgresql import (
    archives,
    clusters,
    configuration,
    durability,
    failover,
    parity,
    publishers,
    receiving,
    security,
    slots,
    standbys,
    subscribers,
    subscriptions,
    synchronous,
    wal,
)
from leadline_streams.audit.rule import AuditRule

FAMILIES: Final = {
    "Standbys": (standbys, receiving),
    "WAL and slots": (wal, slots),
    "Archive": (archives,),
    "Durability": (durability,),
    "Synchronous replication": (synchronous,),
    "A standby and its upstream": (parity, failover),
    "Logical replication": (publishers, subscribers, subscriptions),
    "Security": (security,),
    "Configuration": (configuration,),
    "Clusters": (clusters,),
}
"""The files of each family, in the order of the reference page."""
AUDIT_RULES: Final[dict[str, AuditRule]] = {
    rule.id: rule
    for rule in sorted(
        (
            value
            for modules in FAMILIES.values()
            for module in modules
            for value in vars(module).values()
            if isinstance(value, AuditRule)
        ),
        key=lambda rule: rule.id,
    )
}
