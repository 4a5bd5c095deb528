"""The files, programs and addresses of one PostgreSQL server."""

import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg.conninfo import make_conninfo

from leadline_lab.sandbox import shared_memory
from leadline_lab.sandbox.binaries import Programs
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.process import account, give, run, spawn

SUPERUSER = "postgres"

SETTINGS = {
    "listen_addresses": HOST,
    # No sockets in the file system: nothing for other users to reach, no 107-byte limit on a path.
    "unix_socket_directories": "",
    "fsync": "off",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "wal_level": "logical",
    "min_wal_size": "8MB",
    "max_wal_size": "128MB",
    "wal_retrieve_retry_interval": "500ms",
    "log_line_prefix": "%m [%p] %b ",
}

OnChange = Callable[[str], object]
"""Called with one line of text for each change that is made to a running server: a statement, a setting, a restart."""


class ServerFiles:
    """A server in a folder of its own, reached by password on 127.0.0.1.

    ``initialize`` a new one, or let pg_basebackup fill ``data`` and call ``configure_files``.
    """

    def __init__(
        self, name: str, folder: Path, programs: Programs, password: str, on_change: OnChange = lambda _: None
    ) -> None:
        self.name = name
        self.data = folder / "data"
        self.server_log = folder / "log"
        self._folder = folder
        self._programs = programs
        self._password = password
        self._on_change = on_change
        self._port = Port()
        folder.mkdir()
        give(folder)

    @property
    def port(self) -> int:
        """The TCP port, the same over restarts."""
        return self._port.number

    def address(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        """A libpq connection string for ``run``, which passes the password where no other user sees it."""
        return make_conninfo(host=HOST, port=self.port, dbname=dbname, user=user)

    def dsn(self, dbname: str = "postgres", user: str = SUPERUSER, *, port: int | None = None, **options: str) -> str:
        """A libpq connection string with the password; ``port`` for a way through a proxy, ``options`` are libpq's."""
        own = {"host": HOST, "dbname": dbname, "user": user, "password": self._password}
        return make_conninfo(**{**own, **options}, port=port or self.port)

    def initialize(self, settings: Mapping[str, str]) -> None:
        """Make a new database cluster. Segments of 1 MB keep it small and make WAL recycle within seconds."""
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        give(password_file)
        try:
            self.run(
                *("initdb", "-D", self.data, "--no-sync", "--wal-segsize=1", "--encoding=UTF8", "--locale=C"),
                *("--username", SUPERUSER, "--auth=scram-sha-256", "--pwfile", password_file),
            )
        finally:
            password_file.unlink()
        self.configure_files(settings)

    def configure_files(self, settings: Mapping[str, str]) -> None:
        """Write the settings of the sandbox and, over them, ``settings`` into a stopped server's postgresql.conf."""
        memory = shared_memory.kind(as_other=account() is not None)
        given = {"dynamic_shared_memory_type": memory, "port": str(self.port), "cluster_name": self.name}
        own = {**SETTINGS, **given, **settings}
        self._write("postgresql.conf", _conf(own))

    def follow(self, conninfo: str, slot: str) -> None:
        """Make a stopped server a standby; settings made by ALTER SYSTEM, also those copied along, are dropped."""
        self._write("postgresql.auto.conf", _conf({"primary_conninfo": conninfo, "primary_slot_name": slot}))
        self._write("standby.signal", "")

    def run(self, tool: str, *arguments: str | Path) -> str:
        """Run one of PostgreSQL's programs, such as pg_controldata, to its end; its output."""
        return run(
            self._programs.path(tool), *arguments, cwd=self._folder, env={"PGPASSWORD": self._password}, owner=account()
        )

    def launch(self, tool: str, *arguments: str | Path, farewell: signal.Signals) -> "subprocess.Popen[bytes]":
        """Start one of PostgreSQL's programs under a guard (``process.spawn``); its output goes to the server log."""
        with self.server_log.open("ab") as log:
            return spawn(
                self._programs.path(tool),
                *arguments,
                cwd=self._folder,
                env={"PGPASSWORD": self._password},
                output=log,
                owner=account(),
                farewell=farewell,
            )

    def server_log_tail(self, lines: int = 20) -> str:
        """The last lines of the server log."""
        return "\n".join(self.server_log.read_text(errors="replace").splitlines()[-lines:])

    def report(self, change: str, where: str = "") -> None:
        """Pass a change on to ``on_change``, without the password. ``where``: the database or the session."""
        place = f"{self.name}, {where}" if where else self.name
        self._on_change(f"on {place}: {change}".replace(self._password, "***"))

    def _write(self, name: str, text: str) -> None:
        file = self.data / name
        file.write_text(text)
        give(file)


def _conf(settings: Mapping[str, str]) -> str:
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())
