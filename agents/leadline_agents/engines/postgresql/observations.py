"""The answers of the queries as observations, without secrets. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import asdict, replace
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from leadline.model.activity import Activity, Session
from leadline.model.host import Disk
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue
from leadline.model.replication import Downstream, Upstream
from leadline.model.server_log import ServerLog
from leadline.model.tables import DatabaseState, RefusedTable, SenderTimeout, SlowTable, Tables
from leadline.settings.agent import QueryText
from leadline_agents.engine import UNNUMBERED
from leadline_agents.engines.postgresql.answers import (
    DownstreamAnswer,
    FilesAnswer,
    LookAnswer,
    NodeAnswer,
    SettingsAnswer,
    UpstreamAnswer,
)
from leadline_agents.engines.postgresql.masking import show_query, show_setting
from leadline_agents.engines.postgresql.refusals import Refusals
from leadline_agents.engines.postgresql.same_names import by_name, copies_of, distinguished
from leadline_agents.sockets import Connection

DEFAULT_PORT = 5432
NEEDS_STATS = ("downstreams", "upstream", "activity")
"""Field groups whose columns are NULL, without an error, for a role that may not read statistics."""
BACKUP_PROGRAMS = frozenset({"pg_basebackup", "pg_receivewal", "barman_receive_wal", "barman_streaming_backup"})
"""``application_name`` of programs that receive WAL for backups, before their first reply."""
DEFAULT_NAME = "walreceiver"
"""``application_name`` of a standby when neither ``primary_conninfo`` nor ``cluster_name`` sets it."""


def node_of(known: Node, row: NodeAnswer) -> Node:
    """The node as configured, with what the server reports about itself."""
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
    look: LookAnswer,
    *,
    sent_at: datetime,
    query_text: QueryText,
    reply_ages: Mapping[int, float],
    files: FilesAnswer | None = None,
    free: tuple[int, int] | None = None,
    tables: Tables | None = None,
    refusals: Refusals | None = None,
    server_log: ServerLog | None = None,
    refused: tuple[RefusedTable, ...] | None = None,
    publishes: dict[str, tuple[str, ...]] | None = None,
    subscribes: dict[str, tuple[str, ...]] | None = None,
    slow_tables: tuple[SlowTable, ...] | None = None,
    sender_timeouts: tuple[SenderTimeout, ...] | None = None,
    databases: tuple[DatabaseState, ...] | None = None,
) -> Sample:
    """One look as a sample, not numbered yet. ``free`` is free and total bytes of the volume that holds the WAL.

    ``reply_ages`` are by the sender's pid. A group that the role may not read is absent and named in
    ``not_permitted``, one that the server refuses in ``not_supported``, and one that waits for a lock in ``not_read``;
    none is ever sent as empty or zero for that reason.
    """
    stats, refusals = look.node.may_read_stats, refusals or Refusals()
    archiver = look.archiver
    if archiver is not None and files is not None:
        archiver = replace(archiver, ready=files.ready)
    subscriptions = distinguished(look.subscriptions)
    return Sample(
        node=node_of(known, look.node),
        seq=UNNUMBERED,
        at=look.node.at,
        sent_at=sent_at,
        up=True,
        database=look.database,
        positions=look.positions,
        downstreams=tuple(_downstream(row, reply_ages) for row in look.downstreams) if stats else (),
        upstream=_upstream(look.upstream) if look.upstream is not None and stats else None,
        slots=look.slots,
        subscriptions=subscriptions,
        copies=copies_of(subscriptions, look.copies),
        publications=look.publications,
        tables=tables,
        server_log=server_log,
        refused=refused,
        publishes=publishes,
        subscribes=by_name(subscriptions, look.database, subscribes),
        slow_tables=slow_tables,
        sender_timeouts=sender_timeouts,
        databases=databases,
        conflicts={row.database: row.kinds for row in look.conflicts},
        activity=_activity(look.activity, query_text) if look.activity is not None and stats else None,
        archiver=archiver,
        disk=_disk(files, free) if files is not None else None,
        not_permitted=tuple(dict.fromkeys((*_not_permitted(look.node), *refusals.not_permitted))),
        not_supported=refusals.not_supported,
        not_read=refusals.not_read,
        login=look.node.login,
        inherits=refusals.inherits,
    )


def receivers(sample: Sample) -> set[int]:
    """Processes of a server that receive changes: its WAL receiver and its leader apply workers."""
    upstream = sample.upstream.pid if sample.upstream is not None else None
    return {pid for pid in (upstream, *(each.pid for each in sample.subscriptions)) if pid is not None}


def with_connections(sample: Sample, found: Mapping[int, Connection]) -> Sample:
    """A sample with the ends of its receivers' connections, by their processes."""
    if not found:
        return sample
    upstream = sample.upstream
    if upstream is not None and upstream.pid is not None and upstream.pid in found:
        upstream = replace(upstream, local_port=found[upstream.pid].port)
    subscriptions = tuple(
        replace(each, local_port=to.port, publisher=f"{to.peer_host}:{to.peer_port}")
        if each.pid is not None and (to := found.get(each.pid)) is not None
        else each
        for each in sample.subscriptions
    )
    return replace(sample, upstream=upstream, subscriptions=subscriptions)


def settings_of(
    node: Node, settings: SettingsAnswer, *, sent_at: datetime, unchanged_at: datetime | None = None
) -> NodeSettings:
    """The settings of a node that was looked at just before, not numbered yet, without the secrets in them."""
    return NodeSettings(
        node=node,
        seq=UNNUMBERED,
        at=settings.at,
        sent_at=sent_at,
        settings={name: _setting(name, value) for name, value in sorted(settings.settings.items())},
        unchanged_at=unchanged_at,
    )


def _not_permitted(row: NodeAnswer) -> tuple[str, ...]:
    return (
        *(() if row.may_read_stats else NEEDS_STATS),
        *(() if row.may_list_wal else ("disk",)),
        *(() if row.may_read_settings else ("settings",)),
    )


def _downstream(row: DownstreamAnswer, reply_ages: Mapping[int, float]) -> Downstream:
    fields = asdict(row)
    del fields["reply_time"]
    if _is_backup(row):
        fields["kind"] = "backup"
    return Downstream(**(fields | {"reply_age_s": reply_ages.get(row.pid)}))


def _is_backup(row: DownstreamAnswer) -> bool:
    """Whether a sender serves a program that keeps WAL and replays none: its replies never name a replayed position."""
    if row.kind != "physical" or row.replay_lsn is not None:
        return False
    return row.name in BACKUP_PROGRAMS or row.write_lsn is not None or row.flush_lsn is not None


def _upstream(row: UpstreamAnswer) -> Upstream:
    """The server that the receiver is connected to; without a connection the first one in ``primary_conninfo``."""
    try:
        configured = conninfo_to_dict(row.conninfo or "")
    except ProgrammingError:
        configured = {}
    host = row.sender_host or _first(configured.get("host") or configured.get("hostaddr"))
    port = row.sender_port or _port(_first(configured.get("port")))
    return Upstream(
        host=host,
        port=port if host else 0,
        slot=row.slot,
        application_name=str(configured.get("application_name") or row.cluster_name or DEFAULT_NAME),
        configured=row.conninfo != "",
        status=row.status,
        written_lsn=row.written_lsn,
        flushed_lsn=row.flushed_lsn,
        latest_end_lsn=row.latest_end_lsn,
        timeline=row.timeline,
        last_message_at=row.last_message_at,
        message_age_s=row.message_age_s,
        pid=row.pid,
        began_at=row.began_at,
        clock_ahead_s=row.clock_ahead_s,
    )


def _port(text: str) -> int:
    return int(text) if text.isdecimal() else DEFAULT_PORT


def _first(listed: object) -> str:
    return str(listed or "").split(",")[0]


def _activity(activity: Activity, query_text: QueryText) -> Activity:
    return replace(
        activity,
        blockers=tuple(_session(session, query_text) for session in activity.blockers),
        oldest=tuple(_session(session, query_text) for session in activity.oldest),
        waiting_senders=tuple(
            replace(each, blockers=tuple(_session(session, query_text) for session in each.blockers))
            for each in activity.waiting_senders
        ),
    )


def _session(session: Session, query_text: QueryText) -> Session:
    return replace(session, query=show_query(session.query, query_text))


def _disk(files: FilesAnswer, free: tuple[int, int] | None) -> Disk:
    free_bytes, total_bytes = free or (None, None)
    return Disk(wal_bytes=files.wal_bytes, wal_files=files.wal_files, free_bytes=free_bytes, total_bytes=total_bytes)


def _setting(name: str, value: SettingValue) -> SettingValue:
    return replace(value, value=show_setting(name, value.value))
