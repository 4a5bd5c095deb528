"""Sessions and transactions for which replication may wait."""

from leadline.model import Count, Int64, Seconds, Value


class Session(Value, frozen=True, kw_only=True):
    """A client session that holds back replay, vacuum or commits."""

    pid: Int64
    user: str = ""
    application: str = ""
    database: str = ""
    client: str = ""
    """Address that it connected from; empty for a local socket."""
    state: str = ""
    age_s: Seconds = 0.0
    """Age of its transaction."""
    xmin_age: Count | None = None
    wrote: bool = False
    """Whether it has a transaction id, which it gets when it first writes; only in ``oldest``."""
    wait: str | None = None
    holds: str | None = None
    """Mode and relation of the lock that it holds and replay waits for."""
    query: str | None = None
    """Masked or absent, by the agent's setting ``query_text``."""


class WaitingSender(Value, frozen=True, kw_only=True):
    """A WAL sender, or a session that creates a slot, that waits for a lock."""

    pid: Int64
    name: str = ""
    """Its ``application_name``: that of a subscription, or the slot of a table's initial copy."""
    slot: str | None = None
    """The slot that it uses or creates."""
    wait: str
    waits_s: Seconds = 0.0
    """Since its present command began."""
    command: str = ""
    """The first words of the replication command or query, without its arguments."""
    blockers: tuple[Session, ...] = ()
    """Sessions that it waits for."""
    prepared: tuple[str, ...] = ()
    """Prepared transactions that it waits for."""


class Activity(Value, frozen=True, kw_only=True):
    """Sessions and transactions for which replication may wait."""

    blockers: tuple[Session, ...] = ()
    """On a standby whose replay waits: the sessions that it waits for."""
    oldest: tuple[Session, ...] = ()
    """The oldest transactions; those that have written come first."""
    waiting_senders: tuple[WaitingSender, ...] = ()
    """Senders that wait for a lock, and sessions that wait while they create a slot."""
    sync_waiters: Count = 0
    sync_wait_s: Seconds = 0.0
    prepared_transactions: Count = 0
    prepared_oldest_s: Seconds = 0.0
    prepared_gid: str | None = None
    """Identifier of the oldest prepared transaction; None when there is none."""
    prepared_age: Count | None = None
    """Age of that one in transactions."""
