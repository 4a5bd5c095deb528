"""The look of an audit: what a server is set up to do, read rarely and beside the samples.

``leadline audit`` reads it for itself; an agent reads it at its start, after a change of the settings and at a long
interval, and publishes it on the topic of the samples without what no rule reads.

A group that could not be read is None, and ``unseen`` has the reason. A group that was read and has nothing is empty.
"""

from leadline.model import Count, Int64, Time, Value
from leadline.model.ids import ClusterName, NodeName
from leadline.model.tables import Tables


class AuditedSetting(Value, frozen=True, kw_only=True):
    """One setting as the server has it, and where it comes from."""

    value: str
    """Without the secrets in it."""
    unit: str | None = None
    source: str = ""
    """As in ``pg_settings``. One that the session or its role sets by itself hides the server's own value."""
    file: str | None = None
    """The configuration file that sets it; None where none does, or it may not be shown."""
    line: Count | None = None
    pending_restart: bool = False
    """Whether the file has another value, which a restart puts into effect."""
    restart: bool = False
    """Whether only a restart changes it."""
    secret: bool = False
    """Whether its text has a password in clear; the password itself never leaves the host."""


class HbaLine(Value, frozen=True, kw_only=True):
    """One line of ``pg_hba.conf``."""

    line: Count
    kind: str = ""
    """``local``, ``host`` and so on; empty in a line with an error."""
    databases: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    address: str | None = None
    method: str = ""
    options: tuple[str, ...] = ()
    """Those about client certificates, such as ``clientcert=verify-full``."""
    error: str | None = None


class AuditedRole(Value, frozen=True, kw_only=True):
    """A role that may replicate, or may do everything."""

    name: str
    superuser: bool
    replication: bool
    login: bool
    expires_s: float | None = None
    """Time until its password expires; None where it does not."""


class AuditedSender(Value, frozen=True, kw_only=True):
    """A WAL sender and the login behind it."""

    pid: Int64
    name: str = ""
    """Its ``application_name``."""
    user: str = ""
    superuser: bool | None = None
    address: str | None = None
    """None over a Unix socket."""
    encrypted: bool | None = None
    """None where the server does not show it."""


class AuditedDatabase(Value, frozen=True, kw_only=True):
    """A database and the library that sorts its text."""

    name: str
    collate: str = ""
    provider: str = ""
    """``c`` libc, ``i`` ICU, ``b`` built in; empty before PostgreSQL 15."""
    recorded: str | None = None
    """Version of the library by which its indexes were made; None where none is recorded, as of ``C``."""
    actual: str | None = None
    """Version of the library on this server; None where the library has none."""


class AuditedExtension(Value, frozen=True, kw_only=True):
    """An extension that is installed in the database."""

    name: str
    version: str
    available: str | None = None
    """The version that the files on this server would install; None where they are missing."""


class AuditedSubscription(Value, frozen=True, kw_only=True):
    """Options of a subscription that samples do not have."""

    name: str
    parallel: bool = False
    """Whether large transactions are applied by parallel workers."""


class AuditedOrigin(Value, frozen=True, kw_only=True):
    """A replication origin, and whether a subscription has it."""

    name: str
    used: bool


class AuditLook(Value, frozen=True, kw_only=True, tag="audit", tag_field="kind"):
    """One look of an audit at one server."""

    node: NodeName
    cluster: ClusterName
    at: Time
    """The server's clock."""
    round_trip_s: float = 0.0
    """Of the question for ``at``: the clock of the server is known to this."""
    asked_at: Time | None = None
    """The clock of the machine that asked, in the middle of that question."""
    login: str = ""
    superuser: bool = False
    """Whether the role that reads the server may do everything."""
    settings: dict[str, AuditedSetting] | None = None
    hba: tuple[HbaLine, ...] | None = None
    file_errors: tuple[str, ...] | None = None
    """Lines of the configuration files that the server does not accept."""
    roles: tuple[AuditedRole, ...] | None = None
    senders: tuple[AuditedSender, ...] | None = None
    databases: tuple[AuditedDatabase, ...] | None = None
    extensions: tuple[AuditedExtension, ...] | None = None
    """Of the database that was read."""
    subscriptions: tuple[AuditedSubscription, ...] | None = None
    origins: tuple[AuditedOrigin, ...] | None = None
    unlogged: tuple[str, ...] | None = None
    """Unlogged tables of the database that was read, 20 at most."""
    tables: Tables | None = None
    """Published and present tables of the database that was read, where it has publications or subscriptions."""
    unseen: dict[str, str] = {}
    """By group, the reason why it was not read, with what would show it."""

    @property
    def sent_at(self) -> Time:
        """The clock of the machine that asked; the server's where that is not known."""
        return self.asked_at or self.at
