"""What the queries answered, as the values that are sent. Pure; nothing secret passes."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import asdict, replace
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from leadline.model.observation import (
    Activity,
    Cost,
    Disk,
    Downstream,
    Node,
    NodeSettings,
    Sample,
    Session,
    SettingValue,
    Tables,
    Upstream,
)
from leadline_agents.engines.postgresql.document import DownstreamRow, Files, Look, NodeRow, Settings, UpstreamRow
from leadline_agents.engines.postgresql.masking import QueryText, show_query, show_setting

NEEDS_STATS = ("downstreams", "upstream", "activity")
"""Field groups whose columns are NULL, without an error, for a role that may not read statistics."""
DEFAULT_NAME = "walreceiver"
"""What a standby calls itself when neither primary_conninfo nor cluster_name says otherwise."""


def node_of(known: Node, row: NodeRow) -> Node:
    """The node as configured, with what the server says of itself."""
    reached = [f"{row.address}:{row.port}"] if row.address else []
    return replace(
        known,
        aliases=tuple(dict.fromkeys((*known.aliases, *reached))),
        version=row.version,
        version_num=row.version_num,
        role="standby" if row.in_recovery else "primary",
        system_id=row.system_id,
        timeline=row.timeline,
        started_at=row.started_at,
    )


def sample_of(
    known: Node,
    look: Look,
    *,
    seq: int,
    sent_at: datetime,
    interval_s: float,
    query_text: QueryText,
    reply_ages: Mapping[int, float],
    files: Files | None = None,
    free: tuple[int, int] | None = None,
    tables: Tables | None = None,
    cost: Cost | None = None,
) -> Sample:
    """One look as a sample. ``free`` is free and total bytes of the log's volume, ``reply_ages`` are by sender's pid.

    A group that the role may not read is absent and named in ``not_permitted``; it is never empty or zero by that.
    """
    stats = look.node.may_read_stats
    archiver = look.archiver
    if archiver is not None and files is not None:
        archiver = replace(archiver, ready=files.ready)
    return Sample(
        node=node_of(known, look.node),
        seq=seq,
        at=look.node.at,
        sent_at=sent_at,
        up=True,
        interval_s=interval_s,
        database=look.database,
        positions=look.positions,
        downstreams=tuple(_downstream(row, reply_ages) for row in look.downstreams) if stats else (),
        upstream=_upstream(look.upstream) if look.upstream is not None and stats else None,
        slots=look.slots,
        subscriptions=look.subscriptions,
        publications=look.publications,
        tables=tables,
        conflicts={row.database: row.kinds for row in look.conflicts},
        activity=_activity(look.activity, query_text) if stats else None,
        archiver=archiver,
        disk=_disk(files, free) if files is not None else None,
        cost=cost,
        not_permitted=_not_permitted(look.node),
    )


def settings_of(known: Node, look: Look, settings: Settings, *, seq: int, sent_at: datetime) -> NodeSettings:
    """The settings that were read just after ``look``, without the secrets in them."""
    return NodeSettings(
        node=node_of(known, look.node),
        seq=seq,
        at=settings.at,
        sent_at=sent_at,
        settings={name: _setting(name, value) for name, value in sorted(settings.settings.items())},
        without_identity=settings.without_identity,
    )


def _not_permitted(row: NodeRow) -> tuple[str, ...]:
    return (
        *(() if row.may_read_stats else NEEDS_STATS),
        *(() if row.may_list_wal else ("disk",)),
        *(() if row.may_read_settings else ("settings",)),
    )


def _downstream(row: DownstreamRow, reply_ages: Mapping[int, float]) -> Downstream:
    fields = asdict(row)
    del fields["reply_time"]
    return Downstream(**(fields | {"reply_age_s": reply_ages.get(row.pid)}))


def _upstream(row: UpstreamRow) -> Upstream:
    """Where the receiver is connected, else the first server that it is told to connect to."""
    try:
        told = conninfo_to_dict(row.conninfo or "")
    except ProgrammingError:
        told = {}
    host = row.sender_host or _first(told.get("host") or told.get("hostaddr"))
    port = row.sender_port or _port(_first(told.get("port")))
    return Upstream(
        host=host,
        port=port if host else 0,
        slot=row.slot,
        application_name=str(told.get("application_name") or row.cluster_name or DEFAULT_NAME),
        configured=row.conninfo != "",
        status=row.status,
        written_lsn=row.written_lsn,
        flushed_lsn=row.flushed_lsn,
        latest_end_lsn=row.latest_end_lsn,
        timeline=row.timeline,
        last_message_at=row.last_message_at,
        message_age_s=row.message_age_s,
    )


def _port(text: str) -> int:
    return int(text) if text.isdecimal() else 5432


def _first(listed: object) -> str:
    return str(listed or "").split(",")[0]


def _activity(activity: Activity, query_text: QueryText) -> Activity:
    return replace(
        activity,
        blockers=tuple(_session(session, query_text) for session in activity.blockers),
        oldest=tuple(_session(session, query_text) for session in activity.oldest),
    )


def _session(session: Session, query_text: QueryText) -> Session:
    return replace(session, query=show_query(session.query, query_text))


def _disk(files: Files, free: tuple[int, int] | None) -> Disk:
    free_bytes, total_bytes = free or (None, None)
    return Disk(wal_bytes=files.wal_bytes, wal_files=files.wal_files, free_bytes=free_bytes, total_bytes=total_bytes)


def _setting(name: str, value: SettingValue) -> SettingValue:
    return replace(value, value=show_setting(name, value.value))
