"""Rights that an apply worker lacks on the tables of its subscription (PostgreSQL 15 and later).

A worker writes in the name of the table's owner, or of the subscription's: before 16, and with ``run_as_owner``.
"""

from leadline.model.server_log import LogLine
from leadline.model.tables import Table
from leadline_streams.engines.postgresql.apply import AffectedSubscription

ROW_SECURITY = "row security"
ACT_AS = "SET ROLE"
SUPERUSER = "superuser"
"""The owner of the table as which nobody may act is one."""
NO_RIGHT, NOT_SUPPORTED = "42501", "0A000"
"""insufficient_privilege; feature_not_supported, with which a worker refuses row security."""
STOPS = frozenset({ROW_SECURITY, ACT_AS, "INSERT"})
"""Without these no row can be inserted."""


def unwritable(affected: AffectedSubscription) -> Table | None:
    """The table of a subscription that its worker cannot write, the one that the server log names first; None for none.

    Known where the agent is connected to the subscription's database.
    """
    node, own = affected.node, affected.subscription
    if node.tables is None or node.sample is None or node.sample.database != own.database:
        return None
    listed = node.subscribes.get(own.name)
    found = [each for each in node.tables.present if each.denied and (listed is None or each.name in listed.names)]
    named = affected.reason.relation if affected.reason is not None else None
    return min(found, key=lambda each: (each.name != named, STOPS.isdisjoint(each.denied), each.name), default=None)


def needed(table: Table) -> bool:
    """Whether changes of rows need what is missing. Few tables are ever truncated, and few roles may do so."""
    return table.denied != ("TRUNCATE",)


def explains(table: Table, reason: LogLine) -> bool:
    """Whether an error of the worker is that it may not write a table."""
    code = NOT_SUPPORTED if ROW_SECURITY in table.denied else NO_RIGHT
    return reason.code == code and reason.relation in (None, table.name)


def in_words(table: Table) -> str:
    """The right that is missing, and to whom."""
    if ROW_SECURITY in table.denied:
        return f"row security of {table.name} applies to {table.role}, in whose name its worker writes"
    if ACT_AS in table.denied:
        return f"{table.role}, who owns it, may not act as {table.owner}, who owns {table.name}"
    return f"{table.role}, in whose name its worker writes, lacks {', '.join(table.denied)} on {table.name}"


def repair(table: Table) -> str:
    """The statement that gives the right. Nobody is made a member of a superuser."""
    if ROW_SECURITY in table.denied:
        return f"ALTER ROLE {table.role} BYPASSRLS"
    if SUPERUSER in table.denied:
        return f"ALTER TABLE {table.name} OWNER TO {table.role}"
    if ACT_AS in table.denied:
        return f"GRANT {table.owner} TO {table.role}"
    return f"GRANT {', '.join(table.denied)} ON {table.name} TO {table.role}"
