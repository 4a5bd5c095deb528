"""The JSON documents that the queries return.

Columns have the names of the model's fields, so a row is decoded directly into the value that is sent. Only types that
differ from the model are defined here.
"""

from datetime import datetime

import msgspec
from msgspec import field

from leadline.model import Time, Value
from leadline.model.activity import Activity
from leadline.model.host import Archiver
from leadline.model.lsn import Lsn
from leadline.model.observation import SettingValue
from leadline.model.replication import Downstream, Positions, Slot, Subscription
from leadline.model.tables import DatabaseState, RefusedTable, SenderTimeout, SlowTable, TableCopy, Tables


class NodeAnswer(Value, frozen=True, kw_only=True):
    """``queries/node-*.sql``."""

    at: Time
    in_recovery: bool
    version: str
    version_num: int
    system_id: str | None = None
    timeline: int | None = None
    started_at: Time | None = None
    settings_loaded_at: Time | None = None
    address: str | None = None
    """Address at which the server accepted the agent's connection; None over a Unix socket."""
    port: int
    login: str = ""
    may_read_stats: bool
    may_read_settings: bool
    may_list_wal: bool


class DownstreamAnswer(Downstream, frozen=True, kw_only=True):
    """``queries/downstreams-*.sql``."""

    reply_time: datetime | None = None
    """Time of the replica's last reply, on the replica's clock."""


class UpstreamAnswer(Value, frozen=True, kw_only=True):
    """``queries/upstream-*.sql``."""

    conninfo: str | None = None
    """``primary_conninfo`` with its password; None when the role may not read it."""
    cluster_name: str = ""
    slot: str | None = None
    sender_host: str | None = None
    sender_port: int | None = None
    pid: int | None = None
    began_at: Time | None = None
    clock_ahead_s: float | None = None
    status: str | None = None
    written_lsn: Lsn | None = None
    flushed_lsn: Lsn | None = None
    latest_end_lsn: Lsn | None = None
    timeline: int | None = None
    last_message_at: Time | None = None
    message_age_s: float | None = None


class ConflictAnswer(Value, frozen=True, kw_only=True):
    """``queries/conflicts-*.sql``."""

    database: str
    kinds: dict[str, int]


class LookAnswer(Value, frozen=True, kw_only=True):
    """``queries/look-*.sql``: the result of one look."""

    node: NodeAnswer
    positions: Positions
    downstreams: list[DownstreamAnswer] = field(default_factory=list)
    upstream: UpstreamAnswer | None = None
    slots: tuple[Slot, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    copies: tuple[TableCopy, ...] = ()
    subscribed: bool
    """Whether any subscription is defined; a standby has those of its primary."""
    publications: tuple[str, ...] = ()
    conflicts: list[ConflictAnswer] = field(default_factory=list)
    activity: Activity | None = None
    archiver: Archiver | None = None
    database: str = ""
    alone: bool = False
    """No other client is connected."""
    wanted: bool = False
    """Another session waits for the sessions of this database to end."""

    @property
    def vacant(self) -> frozenset[str]:
        """Groups that cannot have a row while the server keeps its role and has no subscriptions."""
        if self.node.in_recovery:
            return frozenset({"subscriptions", "copies"})
        return frozenset({"upstream", "conflicts"} | (set() if self.subscribed else {"subscriptions", "copies"}))


class FilesAnswer(Value, frozen=True, kw_only=True):
    """``queries/files-*.sql``: the WAL directory."""

    wal_files: int
    wal_bytes: int
    ready: int | None = None
    data_directory: str | None = None


class SettingsAnswer(Value, frozen=True, kw_only=True):
    """``queries/settings-*.sql``."""

    at: Time
    settings: dict[str, SettingValue]


class RefusedAnswer(Value, frozen=True, kw_only=True):
    """``queries/refused-*.sql``."""

    refused: tuple[RefusedTable, ...]
    publishes: dict[str, tuple[str, ...]] | None = None
    sender_timeouts: tuple[SenderTimeout, ...] = ()


class ListedAnswer(Value, frozen=True, kw_only=True):
    """``queries/listed-*.sql``."""

    subscribes: dict[str, tuple[str, ...]]
    slow_tables: tuple[SlowTable, ...] = ()


class DatabasesAnswer(Value, frozen=True, kw_only=True):
    """``queries/databases-*.sql``."""

    databases: tuple[DatabaseState, ...]


_LOOK = msgspec.json.Decoder(LookAnswer)
_FILES = msgspec.json.Decoder(FilesAnswer)
_TABLES = msgspec.json.Decoder(Tables)
_SETTINGS = msgspec.json.Decoder(SettingsAnswer)
_REFUSED = msgspec.json.Decoder(RefusedAnswer)
_LISTED = msgspec.json.Decoder(ListedAnswer)
_DATABASES = msgspec.json.Decoder(DatabasesAnswer)


def read_look(answer: bytes) -> LookAnswer:
    """Decode the answer to the look. Raises msgspec.DecodeError when it has another shape."""
    return _LOOK.decode(_text(answer))


def read_files(answer: bytes) -> FilesAnswer:
    """Decode the answer about the WAL directory. Raises msgspec.DecodeError."""
    return _FILES.decode(_text(answer))


def read_tables(answer: bytes) -> Tables:
    """Decode the answer about tables. Raises msgspec.DecodeError."""
    return _TABLES.decode(_text(answer))


def read_settings(answer: bytes) -> SettingsAnswer:
    """Decode the answer about settings. Raises msgspec.DecodeError."""
    return _SETTINGS.decode(_text(answer))


def read_refused(answer: bytes) -> RefusedAnswer:
    """Decode the answer about tables whose updates are refused. Raises msgspec.DecodeError."""
    return _REFUSED.decode(_text(answer))


def read_listed(answer: bytes) -> ListedAnswer:
    """Decode the answer about the tables of subscriptions. Raises msgspec.DecodeError."""
    return _LISTED.decode(_text(answer))


def read_databases(answer: bytes) -> DatabasesAnswer:
    """Decode the answer about databases about which something is wrong. Raises msgspec.DecodeError."""
    return _DATABASES.decode(_text(answer))


def _text(answer: bytes) -> bytes:
    # A database with encoding SQL_ASCII returns the bytes of its names and queries unconverted.
    return answer if answer.isascii() else answer.decode("utf-8", "replace").encode()
