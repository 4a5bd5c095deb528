"""The demo's fleet and every part of Leadline over it, each as a process of its own, as in production."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

from leadline.settings.sink import SinkSettings
from leadline_lab.demo import observers
from leadline_lab.demo.actions import Actions
from leadline_lab.demo.observed import VendorEvent
from leadline_lab.demo.targets import LOCAL, own_targets, sink_settings
from leadline_lab.demo.verifier import DemoVerifier
from leadline_lab.faults.topologies import Logical, Pair
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.postgres import Server

CLUSTER: Final = "demo"
LABELS: Final = {"demo": "true"}
"""On every node, and so on every alert and incident: nobody who is notified shall take it for real."""
SUBSCRIPTION: Final = "pg_4"
TABLE: Final = "orders"
ORDERS: Final = f"CREATE TABLE {TABLE} (id int PRIMARY KEY, note text)"
TAKEN: Final = f"INSERT INTO {TABLE} SELECT id, 'order ' || id FROM generate_series(1, 500) id"
DATABASES: Final = {"pg-1": "app", "pg-2": "postgres", "pg-3": "postgres", "pg-4": "app"}
"""Each node, with the database that its agent connects to."""
DATACENTERS: Final = {"pg-1": "fra1", "pg-2": "fra1", "pg-3": "ams1", "pg-4": "ams1"}
LOG_SERVER: Final = "incident-log"
SOON: Final = {"for_s": 2.0, "keep_s": 2.0}
LIMITS: Final[dict[str, dict[str, float]]] = {
    "replication_lag": {"warning": 3.0, "critical": 10.0, **SOON},
    "replication_stalled": SOON,
    "apply_error": SOON,
    **{rule: {"keep_s": 2.0} for rule in ("apply_conflict", "lag_forecast", "replication_lag_bytes", "slot_inactive")},
    **{rule: {"keep_s": 2.0} for rule in ("node_down", "replication_cut_off")},
}
"""Tighter than production's, where a rule waits for a minute: nobody watches a demo for as long."""
ACCEPTED: Final = [
    {"rule": rule, "owner": "the demo", "reason": reason, "until": "2099-12-31"}
    for rule, reason in (
        ("PG-DUR-001", "fsync is off in a sandbox that is thrown away: the demo is faster, and spares the disk"),
        ("PG-WAL-002", "the disk of a sandbox that is thrown away does not fill within minutes"),
    )
]
"""Findings of the audit that are meant to be so."""
JUDGEMENT: Final[dict[str, Any]] = {
    "audit": {"spread_s": 0.0, "digest_s": 0.0, "accepted": ACCEPTED},
    "tick_s": 0.5,
    "judgement": {"quiet_s": 5.0, "status_every_s": 1.0},
    "rules": LIMITS,
}
QUIET: Final = {"log": {"level": "warning"}}


class Environment:
    """Start it, change it with ``actions``, and close it: no process and no file is left."""

    def __init__(self) -> None:
        self._port, self._console_port = Port(), Port()
        self.fleet = Fleet()
        self.pipeline = Pipeline()
        self.actions = Actions(self.fleet)
        self.verifier = DemoVerifier(self.fleet, self.pipeline, DATABASES["pg-4"])

    def start(self, own: SinkSettings) -> Iterator[str]:
        """Start everything; yields in a few words what comes next. ``own``: real targets that are notified too."""
        pipeline, fleet = self.pipeline, self.fleet
        yield f"leadline stream, and leadline receiver, at {self.receiver_url}"
        pipeline.start("stream", {**JUDGEMENT, **QUIET})
        pipeline.launch("receiver", "--port", str(self._port.number))
        yield "pg-1, a primary of PostgreSQL"
        primary = fleet.primary("pg-1")
        yield "pg-2, its standby"
        to_standby, to_subscriber = fleet.proxy(primary), fleet.proxy(primary)
        standby = fleet.standby("pg-2", primary, through=to_standby)
        yield "pg-3, a standby of pg-2"
        fleet.standby("pg-3", standby)
        yield "pg-4, a subscriber"
        primary.query("CREATE DATABASE app")
        primary.query(ORDERS, dbname="app")
        primary.query(TAKEN, dbname="app")
        origins = {"track_commit_timestamp": "on", "wal_retrieve_retry_interval": "5s"}
        subscriber = fleet.subscriber("pg-4", primary, schema=ORDERS, through=to_subscriber, settings=origins)
        self.verifier.admit(primary, subscriber)
        self.actions.use(
            {
                "pair": Pair(fleet, primary, standby, to_standby),
                "logical": Logical(fleet, primary, subscriber, to_subscriber, subscription=SUBSCRIPTION, table=TABLE),
            }
        )
        yield "the incident log, on a server of its own"
        fleet.primary(LOG_SERVER)
        yield "leadline agent, one for each node, and leadline sink"
        proxies = [f"{HOST}:{proxy.port}" for proxy in (to_standby, to_subscriber)]
        for node in DATABASES:
            self._start_agent(fleet.servers[node], proxies if node == primary.name else [])
        yield "leadline verify, which compares the data of pg-1 and pg-4"
        self.verifier.start(CLUSTER, SUBSCRIPTION, QUIET)
        settings = sink_settings(
            self.receiver_url, self._log_dsn, own, console_url=self.console_url, bootstrap=self.bootstrap
        )
        pipeline.start("sink", {**settings, **QUIET}, *LOCAL, "incident_log", *own_targets(own))
        yield f"leadline console, at {self.console_url}"
        web = {"web": {"port": self._console_port.number}, "incident_log": {"dsn": self._log_dsn}}
        pipeline.start("console", {**web, **QUIET})

    @property
    def version(self) -> str:
        """The version of PostgreSQL."""
        return str(self.fleet.servers["pg-1"].value("SHOW server_version")).split(" ")[0]

    @property
    def receiver_url(self) -> str:
        """The address of the receiver."""
        return f"http://{HOST}:{self._port.number}"

    @property
    def console_url(self) -> str:
        """The address of the console."""
        return f"http://{HOST}:{self._console_port.number}"

    @property
    def bootstrap(self) -> str:
        """The address of Kafka, for commands in another terminal."""
        return self.pipeline.kafka.bootstrap

    def inbox(self) -> list[VendorEvent]:
        """The events that the receiver's vendors accepted."""
        return observers.inbox(self._port.number)

    def logged(self) -> dict[str, str]:
        """The state of each incident in the incident log."""
        return observers.logged(self._log_dsn)

    def export(self, incident_id: str) -> str:
        """The draft of the post-mortem, as ``leadline incidents export`` writes it."""
        config = self.pipeline.write("incidents", {"incident_log": {"dsn": self._log_dsn}})
        return self.pipeline.run("incidents", "export", incident_id, "--format", "md", "-c", str(config))

    @property
    def _log_dsn(self) -> str:
        return self.fleet.servers[LOG_SERVER].dsn()

    def close(self) -> None:
        """Stop everything and remove every file."""
        self.actions.close()
        for server in self.fleet.servers.values():
            server.let_go()
        self.pipeline.close()
        self.fleet.close()
        self._port.close()
        self._console_port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _start_agent(self, server: Server, aliases: list[str]) -> None:
        name = server.name
        instance = {
            "dsn": server.dsn(DATABASES[name], AGENT),
            "name": name,
            "cluster": CLUSTER,
            "datacenter": DATACENTERS[name],
            "labels": LABELS,
            "aliases": aliases,
        }
        spool = {"path": str(self.pipeline.file(f"spool-{name}.sqlite3"))}
        self.pipeline.start("agent", {"instances": [instance], "spool": spool, **QUIET}, name=f"agent-{name}")
