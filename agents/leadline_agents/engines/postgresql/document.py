"""The JSON documents the queries answer with.

Their columns carry the names of the model, so a row of a query is decoded straight into the value that is sent; only
what differs from the model stands here.
"""

from datetime import datetime

import msgspec
from msgspec import field

from leadline.model import Time, Value
from leadline.model.lsn import Lsn
from leadline.model.observation import (
    Activity,
    Archiver,
    Downstream,
    Positions,
    SettingValue,
    Slot,
    Subscription,
    Tables,
)


class NodeRow(Value, frozen=True, kw_only=True):
    """``queries/node-*.sql``."""

    at: Time
    in_recovery: bool
    version: str
    version_num: int
    system_id: str
    timeline: int | None = None
    started_at: Time
    settings_loaded_at: Time
    address: str | None = None
    """Where the server took our connection; None over a Unix socket."""
    port: int
    may_read_stats: bool
    may_read_settings: bool
    may_list_wal: bool


class DownstreamRow(Downstream, frozen=True, kw_only=True):
    """``queries/downstreams-*.sql``."""

    reply_time: datetime | None = None
    """When the replica sent its last reply, by the replica's clock."""


class UpstreamRow(Value, frozen=True, kw_only=True):
    """``queries/upstream-*.sql``."""

    conninfo: str | None = None
    """``primary_conninfo``, password and all; None when the role may not read it."""
    cluster_name: str = ""
    slot: str | None = None
    sender_host: str | None = None
    sender_port: int | None = None
    status: str | None = None
    written_lsn: Lsn | None = None
    flushed_lsn: Lsn | None = None
    latest_end_lsn: Lsn | None = None
    timeline: int | None = None
    last_message_at: Time | None = None
    message_age_s: float | None = None


class ConflictRow(Value, frozen=True, kw_only=True):
    """``queries/conflicts-*.sql``."""

    database: str
    kinds: dict[str, int]


class Look(Value, frozen=True, kw_only=True):
    """``queries/look-*.sql``: what one look saw."""

    node: NodeRow
    positions: Positions
    downstreams: list[DownstreamRow] = field(default_factory=list)
    upstream: UpstreamRow | None = None
    slots: tuple[Slot, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    subscribed: bool
    """Whether subscriptions are defined; on a standby they are those of its primary."""
    publications: tuple[str, ...] = ()
    conflicts: list[ConflictRow] = field(default_factory=list)
    activity: Activity
    archiver: Archiver | None = None
    database: str = ""

    @property
    def vacant(self) -> frozenset[str]:
        """Groups that have no row here, and will have none while the server is what it is."""
        if self.node.in_recovery:
            return frozenset({"subscriptions"})
        return frozenset({"upstream", "conflicts"} | (set() if self.subscribed else {"subscriptions"}))


class Files(Value, frozen=True, kw_only=True):
    """``queries/files-*.sql``: the log's directory."""

    wal_files: int
    wal_bytes: int
    ready: int | None = None
    data_directory: str | None = None


class Settings(Value, frozen=True, kw_only=True):
    """``queries/settings-*.sql``."""

    at: Time
    settings: dict[str, SettingValue]
    without_identity: tuple[str, ...] = ()


_LOOK = msgspec.json.Decoder(Look)
_FILES = msgspec.json.Decoder(Files)
_TABLES = msgspec.json.Decoder(Tables)
_SETTINGS = msgspec.json.Decoder(Settings)


def read_look(answer: bytes) -> Look:
    """Decode the answer to the look. Raises msgspec.DecodeError when it is not what the queries promise."""
    return _LOOK.decode(_text(answer))


def read_files(answer: bytes) -> Files:
    """Decode the answer about the log's directory. Raises msgspec.DecodeError."""
    return _FILES.decode(_text(answer))


def read_tables(answer: bytes) -> Tables:
    """Decode the answer about tables. Raises msgspec.DecodeError."""
    return _TABLES.decode(_text(answer))


def read_settings(answer: bytes) -> Settings:
    """Decode the answer about settings. Raises msgspec.DecodeError."""
    return _SETTINGS.decode(_text(answer))


def _text(answer: bytes) -> bytes:
    # A database in SQL_ASCII hands on whatever bytes its names and queries have.
    return answer if answer.isascii() else answer.decode("utf-8", "replace").encode()
