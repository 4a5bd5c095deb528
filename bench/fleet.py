"""Samples of a healthy fleet: clusters of a primary and its standbys, each node sampled once a second.

Every cluster has a WAL of its own, which grows all the time: hardly a position is named twice. A test holds their
fields equal to those that the agent sends of such a cluster of PostgreSQL 18 servers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from leadline.clock import moment
from leadline.model.activity import Activity, Session
from leadline.model.host import Archiver, Cost
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue
from leadline.model.replication import Downstream, Positions, Slot, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn

START = 1.8e9
"""Later than any tick of a worker that measures: its clock must not call these agents silent."""
STANDBYS = ("pg-2", "pg-3")
WRITTEN_BYTES_S = 40_960
BEHIND_S = 2.0
PAUSED_AFTER_S = 5
DATABASES = ("postgres", "shop", "template1")
CONFLICTS = ("tablespace", "lock", "snapshot", "bufferpin", "deadlock", "active_logicalslot")
SETTINGS = Path(__file__).with_name("settings.json").read_bytes()
"""As an agent sends them of a new server of PostgreSQL 18."""
COST = Cost(statement_ms=1.25, agent_cpu_s=3.5, agent_rss_bytes=31_000_000)


def fleet(
    clusters: int,
    seconds: int,
    name: str = "cluster",
    standbys: Sequence[str] = STANDBYS,
    faulty: bool = False,
    start: float = START,
) -> Iterator[Sample]:
    """The samples that the agents of so many clusters, ``name``-00000 and on, send in so many seconds, by time.

    ``start``: the time of the first; of samples that a worker judges as they come, now, or their clocks are wrong.

    With ``faulty``, of 20 links one is ``BEHIND_S`` behind, and of 100 clusters one has a standby whose replay somebody
    paused after ``PAUSED_AFTER_S``: an incident.
    """

    def behind_s(number: int, place: int, second: int) -> float:
        if faulty and number % 100 == 50 and not place:
            return float(max(second - PAUSED_AFTER_S, 0))
        return BEHIND_S if faulty and (number * len(standbys) + place) % 20 == 3 else 0.0

    for second in range(seconds):
        for number in range(clusters):
            cluster = f"{name}-{number:05d}"
            lags_s = [behind_s(number, place, second) for place in range(len(standbys))]
            yield _primary(cluster, number, start, second, dict(zip(standbys, lags_s, strict=True)))
            for standby, lag_s in zip(standbys, lags_s, strict=True):
                yield _standby(cluster, number, start, second, standby, lag_s)


def settings(clusters: int, name: str = "cluster") -> Iterator[NodeSettings]:
    """The settings of every server of so many clusters, as agents send them when they start."""
    for number in range(clusters):
        cluster = f"{name}-{number:05d}"
        for server in ("pg-1", *STANDBYS):
            node = _node(cluster, number, server, "primary" if server == "pg-1" else "standby")
            found = msgspec.json.decode(SETTINGS, type=dict[str, SettingValue])
            found["cluster_name"] = SettingValue(value=f"{cluster}-{server}", source="configuration file")
            if server != "pg-1":
                conninfo = f"host={cluster}-pg-1 port=5432 user=replicator application_name={server}"
                found["primary_conninfo"] = SettingValue(value=conninfo, source="configuration file")
            at = moment(START)
            yield NodeSettings(node=node, seq=0, at=at, sent_at=at, settings=found)


def _node(cluster: str, number: int, name: str, role: str, start: float = START) -> Node:
    address = f"10.{number >> 8 & 255}.{number & 255}.{name[-1]}"
    return Node(
        name=NodeName(name),
        cluster=ClusterName(cluster),
        boot="20270115T080000-3f0c1e5a",
        datacenter="fra1",
        host=address,
        port=5432,
        aliases=(f"{cluster}-{name}:5432", f"{address}:5432"),
        version="18.1",
        version_num=180001,
        role="primary" if role == "primary" else "standby",
        system_id=f"73{number:017d}",
        timeline=1,
        started_at=moment(start - 86400 + int(name[-1])),
    )


def _unreplayed_bytes(lag_s: float) -> int:
    return 200 + int(lag_s * WRITTEN_BYTES_S)


def _log(number: int, elapsed_s: float) -> Callable[[int], str]:
    """Positions in a cluster's WAL at a time, ``behind`` bytes before its end."""
    end = (5 + number << 32) + int(elapsed_s * WRITTEN_BYTES_S)
    return lambda back: format_lsn(end - back)


def _primary(cluster: str, number: int, start: float, second: int, lags_s: Mapping[str, float]) -> Sample:
    at, position = moment(start + second), _log(number, second)
    return Sample(
        node=_node(cluster, number, "pg-1", "primary", start),
        seq=second,
        at=at,
        sent_at=at,
        up=True,
        database="shop",
        login="leadline",
        positions=Positions(current_lsn=position(0), redo_lsn=position(20_000_000)),
        downstreams=tuple(
            Downstream(
                name=name,
                pid=1000 + int(name[-1]),
                state="streaming",
                address=f"10.{number >> 8 & 255}.{number & 255}.{name[-1]}",
                port=40_000 + int(name[-1]),
                slot=name.replace("-", "_"),
                sent_lsn=position(0),
                write_lsn=position(0),
                flush_lsn=position(96),
                replay_lsn=position(_unreplayed_bytes(lag_s)),
                write_lag_s=0.0011,
                flush_lag_s=0.0019,
                replay_lag_s=0.0027 + lag_s,
                reply_age_s=0.4,
                connected_s=3600.0 + second,
                wait="Activity/WalSenderMain",
            )
            for name, lag_s in lags_s.items()
        ),
        slots=tuple(
            Slot(
                name=name.replace("-", "_"),
                active=True,
                active_pid=1000 + int(name[-1]),
                restart_lsn=position(300),
                retained_bytes=300,
                wal_status="reserved",
                two_phase=False,
                failover=False,
                synced=False,
            )
            for name in lags_s
        ),
        activity=Activity(),
        archiver=Archiver(archived=10, last_archived_wal="000000010000000500000001", last_archived_s=3.0),
        cost=COST,
    )


def _standby(cluster: str, number: int, start: float, second: int, name: str, lag_s: float) -> Sample:
    elapsed_s = second + 0.1 * int(name[-1])
    at, position = moment(start + elapsed_s), _log(number, elapsed_s)
    return Sample(
        node=_node(cluster, number, name, "standby", start),
        seq=second,
        at=at,
        sent_at=at,
        up=True,
        database="shop",
        login="leadline",
        positions=Positions(
            received_lsn=position(96),
            replayed_lsn=position(_unreplayed_bytes(lag_s)),
            replay_paused=lag_s > BEHIND_S,
            last_replay_at=at - timedelta(seconds=lag_s),
            redo_lsn=position(20_000_000),
            startup_wait="IPC/RecoveryPause" if lag_s > BEHIND_S else "Activity/RecoveryWalStream",
        ),
        upstream=Upstream(
            host=f"10.{number >> 8 & 255}.{number & 255}.1",
            port=5432,
            slot=name.replace("-", "_"),
            application_name=name,
            status="streaming",
            written_lsn=position(96),
            flushed_lsn=position(96),
            latest_end_lsn=position(0),
            timeline=1,
            last_message_at=at,
            message_age_s=0.2,
            pid=2000,
            began_at=moment(start - 3600),
            local_port=40_000 + int(name[-1]),
            clock_ahead_s=0.0,
        ),
        conflicts={database: dict.fromkeys(CONFLICTS, 0) for database in DATABASES},
        activity=Activity(
            oldest=(
                Session(
                    pid=4711,
                    user="shop",
                    application="web",
                    client="127.0.0.1",
                    database="shop",
                    state="active",
                    age_s=0.5,
                    xmin_age=4,
                    query="SELECT * FROM orders WHERE customer = $1 AND state = $2 ORDER BY created DESC LIMIT $3",
                ),
            )
        ),
        cost=COST,
    )
