"""Servers that replicate to each other."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from psycopg import sql
from psycopg.conninfo import make_conninfo

from leadline.errors import UsageError
from leadline_lab.sandbox.binaries import programs
from leadline_lab.sandbox.folder import Folder
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give, reachable
from leadline_lab.sandbox.proxy import Proxy
from leadline_lab.sandbox.server_files import OnChange
from leadline_lab.sandbox.wait import eventually

AGENT = "leadline"
"""The role that agents log in as: pg_monitor and nothing more."""

REPLICATOR = "replicator"
"""The role that standbys and subscriptions log in as."""


# WAL that is written and not yet flushed is not sent, and holds no commit.
POSITION = """
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text
"""
CONFIRMED = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND replay_lsn >= %s::pg_lsn"


@dataclass(frozen=True, slots=True)
class ReplicationLink:
    """One replication relation. ``name`` is the application_name that the upstream sees."""

    upstream: Server
    downstream: Server
    name: str
    dbname: str | None = None
    """The database that a logical link carries; None for a physical link."""

    def wait_caught_up(self, timeout_s: float = 30.0) -> None:
        """Wait until everything committed on the upstream so far is visible on the downstream."""
        target = self.upstream.value(POSITION)
        eventually(f"{self.downstream.name} catches up with {self.upstream.name}", lambda: self.has(target), timeout_s)

    def has(self, target: str) -> bool:
        """Whether the downstream has everything up to the upstream's position ``target``."""
        if self.dbname is None:
            return bool(self.downstream.value("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [target]))
        confirmed = self.upstream.query(CONFIRMED, [self.name, target])
        copying = self.downstream.query("SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'", dbname=self.dbname)
        return bool(confirmed) and not copying


class Fleet:
    """Servers and proxies that live together in a temporary folder, until ``close``."""

    def __init__(self, binaries: Path | None = None, *, plain: bool = False, slots: bool = True) -> None:
        """``binaries``: a folder with another PostgreSQL than the wheel's. Raises UsageError when there is neither.

        ``plain``: servers as most people have them, without cluster_name and application_name. ``slots``: whether
        standbys get a slot.
        """
        self.plain = plain
        self._slots = slots
        self._settings = {"cluster_name": ""} if plain else {}
        found = programs(binaries)
        self.on_change: OnChange = lambda _: None
        """Called with a line of text for each change to a running server or a proxy. Set it at any time."""
        self.servers: dict[str, Server] = {}
        self.links: list[ReplicationLink] = []
        self._proxies: list[Proxy] = []
        self._password = secrets.token_hex(16)
        self._temporary = Folder()
        self.folder = self._temporary.path
        give(self.folder)
        if not reachable(self.folder):
            self._temporary.close()
            raise UsageError(f"the user nobody, as whom root runs PostgreSQL, cannot reach {self.folder}: set TMPDIR")
        self._programs = found.within_reach(self.folder / "programs")

    def primary(self, name: str, settings: Mapping[str, str] | None = None) -> Server:
        """A new server, with the roles that agents and replication log in as."""
        server = self._server(name)
        server.initialize({**self._settings, **(settings or {})})
        server.start()
        password = sql.Literal(self._password).as_string()
        server.query(f"CREATE ROLE {AGENT} LOGIN PASSWORD {password} IN ROLE pg_monitor")
        server.query(f"CREATE ROLE {REPLICATOR} LOGIN REPLICATION PASSWORD {password}")
        return server

    def standby(
        self,
        name: str,
        of: Server,
        *,
        through: Proxy | None = None,
        slot: bool = True,
        conninfo: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Server:
        """A streaming standby of a primary or, cascading, of a standby. It does not take over its upstream's settings.

        ``through``: replicate over this link. ``slot``: keep WAL in a slot named ``identifier(name)``.
        ``conninfo``: more for primary_conninfo.
        """
        server = self._server(name)
        slot = slot and self._slots
        if slot:
            of.query("SELECT pg_create_physical_replication_slot(%s, true)", [identifier(name)])
        server.run(
            *("pg_basebackup", "-D", server.data, "--dbname", of.address(user=REPLICATOR)),
            *("--checkpoint=fast", "--wal-method=stream", "--no-sync"),
        )
        server.configure_files({**self._settings, **(settings or {})})
        options = {**self.named(name), **(conninfo or {})}
        upstream = of.dsn(user=REPLICATOR, port=through.port if through else None, **options)
        server.follow(upstream, identifier(name) if slot else "")
        server.start()
        self.links.append(ReplicationLink(of, server, name))
        return server

    def named(self, name: str) -> dict[str, str]:
        """The name of a server as options of a connection string; none where servers are plain."""
        return {} if self.plain else {"application_name": name}

    def conninfo(self, of: Server, name: str) -> str:
        """A connection string with which a server of this name follows another one."""
        return make_conninfo(of.dsn(user=REPLICATOR), **self.named(name))

    def subscriber(
        self,
        name: str,
        of: Server,
        *,
        schema: str,
        dbname: str = "app",
        through: Proxy | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Server:
        """A server whose database ``dbname`` subscribes to every table of the one of that name on ``of``.

        ``schema``: SQL that makes its tables. Publication, subscription and slot are all named ``identifier(name)``.
        """
        server = self.primary(name, settings)
        subscription = identifier(name)
        server.query(f"CREATE DATABASE {dbname}")
        server.query(schema, dbname=dbname)
        for statement in (
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {REPLICATOR}",
            f"CREATE PUBLICATION {subscription} FOR ALL TABLES",
        ):
            of.query(statement, dbname=dbname)
        upstream = sql.Literal(of.dsn(dbname, REPLICATOR, port=through.port if through else None)).as_string()
        server.query(
            f"CREATE SUBSCRIPTION {subscription} CONNECTION {upstream} PUBLICATION {subscription}", dbname=dbname
        )
        self.links.append(ReplicationLink(of, server, subscription, dbname))
        return server

    def dismiss(self, server: Server) -> None:
        """End a server for good: its folder, its name and its links are free again."""
        server.close()
        del self.servers[server.name]
        self.links = [link for link in self.links if server not in (link.upstream, link.downstream)]
        shutil.rmtree(self.folder / server.name)

    def proxy(self, server: Server) -> Proxy:
        """A network path to a server that can be broken."""
        proxy = Proxy(server.port, lambda change: self._changed(f"network to {server.name}: {change}"))
        self._proxies.append(proxy)
        return proxy

    def wait_caught_up(self, timeout_s: float = 30.0) -> None:
        """Wait until all that was committed so far is visible downstream. Raises UnreachableError naming the link."""
        for link in self.links:
            link.wait_caught_up(timeout_s)

    def close(self) -> None:
        """Stop everything and remove the folder. Harmless a second time."""
        for server in self.servers.values():
            server.let_go()
        for server in self.servers.values():
            server.close()
        for proxy in self._proxies:
            proxy.close()
        self._temporary.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _server(self, name: str) -> Server:
        assert name not in self.servers, f"there is a {name} already"
        self.servers[name] = Server(name, self.folder / name, self._programs, self._password, self._changed)
        return self.servers[name]

    def _changed(self, change: str) -> None:
        self.on_change(change)


def identifier(name: str) -> str:
    """A server's name as slots and subscriptions may spell it: ``pg-2`` is ``pg_2``."""
    return name.lower().replace("-", "_")
