"""The topologies that faults need, and how they are built from new servers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg import sql

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.proxy import Proxy
from leadline_lab.sandbox.wait import eventually

DATABASE = "app"
LOGGED = {"logging_collector": "on", "log_destination": "csvlog", "wal_keep_size": "256MB"}
READS_SERVER_LOG = "pg_read_binary_file(text, bigint, bigint, boolean)"
ITEMS = "CREATE TABLE items (id int PRIMARY KEY, note text)"


@dataclass(frozen=True)
class Pair:
    """pg-2 streams from pg-1 through ``proxy``, with the slot pg_2 where the fleet has slots."""

    fleet: Fleet
    primary: Server
    standby: Server
    proxy: Proxy

    @property
    def application_name(self) -> str:
        """The name of the standby's connection on the primary."""
        return self.fleet.named(self.standby.name).get("application_name", "walreceiver")


@dataclass(frozen=True)
class Cascade(Pair):
    """pg-1 → pg-2 → pg-3, the first hop through ``proxy``."""

    leaf: Server


@dataclass(frozen=True)
class PairAndStranger(Pair):
    """A pair, and pg-9, the primary of another database cluster."""

    stranger: Server


@dataclass(frozen=True)
class Logical:
    """A database of the subscriber subscribes to all tables of the publisher's of that name, through ``proxy``."""

    fleet: Fleet
    publisher: Server
    subscriber: Server
    proxy: Proxy
    subscription: str = "pg_3"
    """The name of the subscription, its publication and its slot."""
    table: str = "items"
    """A replicated table with the columns ``id``, its primary key, and ``note``."""
    database: str = DATABASE

    def on_publisher(self, *statements: str) -> None:
        """Run statements on the publisher, each in a transaction of its own."""
        self.publisher.execute(*statements, dbname=self.database)

    def on_subscriber(self, *statements: str) -> None:
        """Run statements on the subscriber, each in a transaction of its own."""
        self.subscriber.execute(*statements, dbname=self.database)

    def alter(self, action: str) -> None:
        """ALTER SUBSCRIPTION."""
        self.on_subscriber(f"ALTER SUBSCRIPTION {self.subscription} {action}")

    def disable(self) -> None:
        """Disable the subscription and wait until its slot is not in use."""
        self.alter("DISABLE")
        unused = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND NOT active"
        eventually(
            f"slot {self.subscription} is not in use",
            lambda: bool(self.publisher.query(unused, [self.subscription])),
            10.0,
        )

    def replicate(self, *statements: str) -> None:
        """Run statements that create tables on both sides, and wait until the subscription has copied them."""
        self.on_subscriber(*statements)
        self.on_publisher(*statements)
        self.refresh()

    def refresh(self) -> None:
        """Take new tables of the publication into the subscription, and wait until they are copied."""
        self.alter("REFRESH PUBLICATION")
        self.fleet.wait_caught_up()


@dataclass(frozen=True)
class LogicalAndStandby(Logical):
    """A publisher with a standby, and a subscriber whose connection string names both of them."""

    standby: Server = field(kw_only=True)


def make_pair(fleet: Fleet) -> Pair:
    """A primary and its standby."""
    return _pair(fleet)


def make_pair_without_slot(fleet: Fleet) -> Pair:
    """A primary and a standby for which no slot keeps WAL."""
    return _pair(fleet, slot=False)


def make_pair_that_keeps_wal(fleet: Fleet) -> Pair:
    """A primary that keeps 1 GB of WAL, and its standby."""
    return _pair(fleet, settings={"wal_keep_size": "1GB"})


def make_pair_with_few_connections(fleet: Fleet) -> Pair:
    """A primary with room for ten connections, and its standby."""
    return _pair(fleet, settings={"max_connections": "10"})


def make_pair_with_few_senders(fleet: Fleet) -> Pair:
    """A primary with room for two senders, and its standby."""
    return _pair(fleet, slot=False, settings={"max_wal_senders": "2"})


def make_pair_with_server_logs(fleet: Fleet) -> Pair:
    """A primary and its standby whose server logs the agent may read."""
    return _pair(fleet, slot=False, settings=LOGGED, standby=LOGGED)


def make_pair_by_archive(fleet: Fleet) -> Pair:
    """A primary that archives its WAL, and a standby that is fed by the archive alone."""
    archive = fleet.folder / "archive"
    archive.mkdir()
    give(archive)
    archiving = {"archive_mode": "on", "archive_command": f"cp %p {archive}/%f", "archive_timeout": "2s"}
    pair = _pair(fleet, slot=False, settings=archiving, standby={"restore_command": f"cp {archive}/%f %p"})
    pair.standby.stop()
    pair.standby.follow("", "")
    pair.standby.start()
    return pair


def make_pair_and_stranger(fleet: Fleet) -> PairAndStranger:
    """A primary, its standby, and a primary of another database cluster."""
    pair = _pair(fleet)
    return PairAndStranger(fleet, pair.primary, pair.standby, pair.proxy, fleet.primary("pg-9"))


def make_cascade(fleet: Fleet) -> Cascade:
    """A primary, its standby, and a standby of that one."""
    pair = _pair(fleet)
    return Cascade(fleet, pair.primary, pair.standby, pair.proxy, fleet.standby("pg-3", pair.standby))


def make_logical(fleet: Fleet) -> Logical:
    """A publisher and a subscriber."""
    publisher = fleet.primary("pg-1")
    publisher.query(f"CREATE DATABASE {DATABASE}")
    publisher.query(ITEMS, dbname=DATABASE)
    proxy = fleet.proxy(publisher)
    return Logical(fleet, publisher, fleet.subscriber("pg-3", publisher, schema=ITEMS, through=proxy), proxy)


def make_logical_and_standby(fleet: Fleet) -> LogicalAndStandby:
    """A publisher, its standby, and a subscriber that connects to the one of them that takes writes."""
    logical = make_logical(fleet)
    standby = fleet.standby("pg-2", logical.publisher, slot=False)
    one, other = logical.proxy.port, standby.port
    both = logical.publisher.dsn(logical.database, REPLICATOR, target_session_attrs="read-write")
    hosts = f"{both} host={HOST},{HOST} port={one},{other}"
    logical.alter(f"CONNECTION {sql.Literal(hosts).as_string()}")
    return LogicalAndStandby(fleet, logical.publisher, logical.subscriber, logical.proxy, standby=standby)


def _pair(
    fleet: Fleet,
    *,
    slot: bool = True,
    settings: Mapping[str, str] | None = None,
    standby: Mapping[str, str] | None = None,
) -> Pair:
    primary = fleet.primary("pg-1", settings)
    if settings is LOGGED:
        primary.query(f"GRANT EXECUTE ON FUNCTION {READS_SERVER_LOG} TO {AGENT}")
    proxy = fleet.proxy(primary)
    return Pair(fleet, primary, fleet.standby("pg-2", primary, through=proxy, slot=slot, settings=standby), proxy)
