"""When the tables of logical replication are worth a look: a worker is missing, fails, or is not the one of before."""

from typing import Any

from leadline_agents.engines.postgresql.document import Look

TABLES_EVERY_S = 30.0
"""While a worker is in trouble the tables are looked at this often, and never more often."""


class Workers:
    """Remembers the senders and apply workers of the database that the agent is connected to.

    A change that cannot be applied ends the worker and its sender, and a table is altered before it does. A worker that
    is tried again and again may never be seen; that it is missing is.
    """

    def __init__(self) -> None:
        self._before: frozenset[Any] | None = None

    def troubled(self, look: Look) -> bool:
        """Take a look. True while a slot has no sender, an enabled subscription has no worker, or something changed."""
        slots = [slot for slot in look.slots if slot.kind == "logical" and slot.database == look.database]
        subscriptions = [it for it in look.subscriptions if it.database == look.database]
        now = frozenset(
            [(slot.name, slot.active_pid, None) for slot in slots]
            + [(it.name, it.pid, it.apply_errors) for it in subscriptions]
        )
        before, self._before = self._before, now
        missing = any(not slot.active for slot in slots) or any(it.enabled and it.pid is None for it in subscriptions)
        return missing or (before is not None and before != now)
