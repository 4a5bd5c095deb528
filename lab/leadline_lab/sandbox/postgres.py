"""One PostgreSQL server, with what is asked and changed by SQL."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from leadline_lab.sandbox.server_process import ServerProcess
from leadline_lab.sandbox.wait import eventually


class Server(ServerProcess):
    """A server: its files (``ServerFiles``), its processes (``ServerProcess``), and SQL.

    The methods that run SQL do so as the superuser, on a connection of their own, in autocommit.
    """

    @property
    def version(self) -> str:
        """The version of its program, ``18.6``; it need not be running."""
        return self.run("postgres", "--version").split()[2]  # postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)

    @property
    def major(self) -> int:
        """The major version."""
        return int(self.value("SHOW server_version_num")) // 10000

    def execute(self, *statements: str, dbname: str = "postgres") -> None:
        """Run statements that change something, each in a transaction of its own, and report each one before."""
        for statement in statements:
            self.report(f"{statement};", "" if dbname == "postgres" else f"database {dbname}")
            self.query(statement, dbname=dbname)

    def query(
        self, statement: str, parameters: Sequence[object] | None = None, dbname: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; an empty list for a statement that returns none."""
        with psycopg.connect(self.dsn(dbname, connect_timeout="10"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description is not None else []

    def value(self, statement: str, parameters: Sequence[object] | None = None, dbname: str = "postgres") -> Any:
        """The first column of the only row."""
        ((first, *_),) = self.query(statement, parameters, dbname)
        return first

    def configure(self, **settings: str | None) -> None:
        """Run ALTER SYSTEM for each setting and reload; None resets a setting.

        New sessions have the values when this returns. Some settings need a ``restart``.
        """
        loaded = self.value("SELECT pg_conf_load_time()")
        statements = [*(_alter_system(name, value) for name, value in settings.items()), "SELECT pg_reload_conf()"]
        self.report(" ".join(f"{statement};" for statement in statements))
        for statement in statements:
            self.query(statement)
        eventually(f"{self.name} reloads", lambda: bool(self.value("SELECT pg_conf_load_time() > %s", [loaded])))

    def process_pid(self, backend_type: str) -> int:
        """The process id of the server's only process of a type, such as ``walreceiver`` or ``startup``."""
        return int(self.value("SELECT pid FROM pg_stat_activity WHERE backend_type = %s", [backend_type]))

    @contextlib.contextmanager
    def paused(self, backend_type: str) -> Iterator[None]:
        """SIGSTOP for one process inside the block, SIGCONT at its end."""
        pid = self.process_pid(backend_type)
        self.report(f"SIGSTOP to the {backend_type}")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            self.report(f"SIGCONT to the {backend_type}")
            os.kill(pid, signal.SIGCONT)


def _alter_system(name: str, value: str | None) -> str:
    setting = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
    if value is None:
        return sql.SQL("ALTER SYSTEM RESET {}").format(setting).as_string()
    return sql.SQL("ALTER SYSTEM SET {} = {}").format(setting, sql.Literal(value)).as_string()
