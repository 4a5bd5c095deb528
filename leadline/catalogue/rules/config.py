"""Rules of family config: settings that endanger replication."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="audit_advice",
        family="config",
        on="setting",
        unit="findings",
        help=(
            "Findings of one rule of the audit in a cluster, of a severity below `audit.notify`. The subject is the "
            "rule, such as PG-DUR-003. A digest has them all."
        ),
        impact="Servers were set up in a way that may have been meant.",
        over="the audit does not find {name} any more",
        class_="advice",
        standing=True,
    ),
    RuleEntry(
        code="audit_finding",
        family="config",
        on="setting",
        unit="findings",
        help=(
            "Findings of one rule of the audit in a cluster, of severity `audit.notify` or higher. The subject is the "
            "rule, such as PG-SBY-001. Not of rules of which another one here measures the same at every sample."
        ),
        impact="Servers were set up in a way that endangers data, or makes the next restart or failover worse.",
        over="the audit does not find {name} any more",
        class_="notice",
        standing=True,
    ),
    RuleEntry(
        code="config_mismatch",
        family="config",
        on="link",
        unit="settings",
        help=(
            "Settings that must not be lower on a standby than on its primary, and are: `max_connections` and the "
            "other parameters of hot standby, and `wal_level`."
        ),
        impact="Replay could pause, and the standby fail to start, once the primary used more than the standby allows.",
        over="the settings of {up} and {down} agree",
        class_="notice",
    ),
    RuleEntry(
        code="identity_missing",
        family="config",
        on="node",
        unit="tables",
        help=(
            "Published tables whose updates or deletes the server refuses: they have no replica identity and have been "
            "updated or deleted from, or the row filter, the column list or the generated columns of a publication do "
            "not fit their identity. Read where the agent is connected to the published database, once a minute and "
            "after a reload; at most 20 tables."
        ),
        impact="Applications that updated or deleted rows of published tables got errors.",
        over="the published tables of {node} can be identified",
    ),
    RuleEntry(
        code="writes_refused",
        family="config",
        on="node",
        unit="",
        help=(
            "`default_transaction_read_only` is on for a server that is no standby, or for one of its databases. What "
            "a role alone has does not count. Of the whole server it is not seen while the agent's role has it."
        ),
        impact="Applications could not write, unless they asked for read-write transactions.",
        over="{node} takes writes again",
        class_="notice",
        standing=True,
    ),
)
