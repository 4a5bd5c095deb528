"""One PostgreSQL server."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from leadline.errors import UnreachableError
from leadline_lab.sandbox import guard
from leadline_lab.sandbox.binaries import Programs
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.process import account, give, run, spawn
from leadline_lab.sandbox.wait import eventually

SUPERUSER = "postgres"

STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""The signals of the shutdown modes, PostgreSQL documentation, section 18.5."""

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


class Server:
    """A server in a folder of its own, reached by password on 127.0.0.1. All its processes end with their owner.

    ``initialise`` a new one, or let pg_basebackup fill ``data`` and call ``configure_files``; then ``start``. The
    methods that run SQL do so as the superuser, on a connection of their own, in autocommit.
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
        self._guard: subprocess.Popen[bytes] | None = None
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

    # Files

    def initialise(self, settings: Mapping[str, str]) -> None:
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
        own = {**SETTINGS, "port": str(self.port), "cluster_name": self.name, **settings}
        self._write("postgresql.conf", _conf(own))

    def follow(self, conninfo: str, slot: str) -> None:
        """Make a stopped server a standby; settings made by ALTER SYSTEM, also those copied along, are dropped."""
        self._write("postgresql.auto.conf", _conf({"primary_conninfo": conninfo, "primary_slot_name": slot}))
        self._write("standby.signal", "")

    # Programs

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

    # Running

    @property
    def running(self) -> bool:
        """Whether the server has any process, a frozen one included."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises UnreachableError when the server is not running."""
        if pid := self._postmaster()[0]:
            return pid
        raise UnreachableError(f"PostgreSQL {self.name} is not running: start it first")

    def start(self, timeout_s: float = 30.0) -> None:
        """Start and wait for connections (a standby: for consistency).

        Raises UnreachableError with the end of the server log.
        """
        assert not self.running, f"{self.name} is running"
        self.report("start")
        self.let_go()
        # SIGQUIT is the immediate shutdown, which frees shared memory.
        self._guard = self.launch("postgres", "-D", self.data, farewell=signal.SIGQUIT)
        try:
            eventually(f"PostgreSQL {self.name} is ready", self._ready_or_ended, timeout_s)
        except UnreachableError as error:
            raise UnreachableError(f"{error}; its server log ends with:\n{self.server_log_tail()}") from None
        if not self.running:
            raise UnreachableError(
                f"PostgreSQL {self.name} did not start; its server log ends with:\n{self.server_log_tail()}"
            )

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast", timeout_s: float = 60.0) -> None:
        """Shut down and wait until the server has ended."""
        self.report(f"stop, mode {mode}")
        os.kill(self.pid, STOP[mode])
        self._await_end(timeout_s)

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop, then start."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Kill the postmaster with SIGKILL: the next start goes through crash recovery, as after a power cut."""
        self.report("kill -9")
        os.kill(self.pid, signal.SIGKILL)
        self._await_end(timeout_s=10.0)

    def freeze(self) -> None:
        """Send SIGSTOP to every process, as on a hanging host: connections stay open and are not answered."""
        self.report("SIGSTOP to every process")
        postmaster = self.pid
        os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no more children
        guard.signal_all(guard.descendants(postmaster), signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze``."""
        self.report("SIGCONT to every process")
        guard.signal_all([self.pid, *guard.descendants(self.pid)], signal.SIGCONT)

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

    def close(self) -> None:
        """End at once, from any state, and give the port back. Harmless a second time."""
        self.let_go()
        if self._guard is not None:
            self._await_end(timeout_s=guard.GRACE_S + 10.0)
        self._port.close()

    def let_go(self) -> None:
        """Begin to end at once, from any state; ``close`` waits for it."""
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()

    def server_log_tail(self, lines: int = 20) -> str:
        """The last lines of the server log."""
        return "\n".join(self.server_log.read_text(errors="replace").splitlines()[-lines:])

    # SQL

    @property
    def version(self) -> str:
        """The version of its program, ``18.6``; it need not be running."""
        return self.run("postgres", "--version").split()[-1]

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

    def report(self, change: str, where: str = "") -> None:
        """Pass a change on to ``on_change``, without the password. ``where``: the database or the session."""
        place = f"{self.name}, {where}" if where else self.name
        self._on_change(f"on {place}: {change}".replace(self._password, "***"))

    # Inside

    def _write(self, name: str, text: str) -> None:
        file = self.data / name
        file.write_text(text)
        give(file)

    def _await_end(self, timeout_s: float) -> None:
        assert self._guard is not None
        try:
            self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise UnreachableError(f"PostgreSQL {self.name} did not stop in {timeout_s:g} s") from None
        self.let_go()

    def _postmaster(self) -> tuple[int | None, str]:
        """Pid and state from postmaster.pid (miscadmin.h, LOCK_FILE_LINE_*), if it is of the server that runs now."""
        if self._guard is None or self._guard.poll() is not None:
            return None, ""
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            if guard.parent(pid) == self._guard.pid:  # else a crash left the file behind
                return pid, lines[7].strip()
        return None, ""

    def _ready_or_ended(self) -> bool:
        return not self.running or self._postmaster()[1] in {"ready", "standby"}


def _alter_system(name: str, value: str | None) -> str:
    setting = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
    if value is None:
        return sql.SQL("ALTER SYSTEM RESET {}").format(setting).as_string()
    return sql.SQL("ALTER SYSTEM SET {} = {}").format(setting, sql.Literal(value)).as_string()


def _conf(settings: Mapping[str, str]) -> str:
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())
