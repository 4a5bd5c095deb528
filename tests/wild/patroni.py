"""A real Patroni cluster on this machine, with Patroni's own Raft as its store: no other process is needed."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import yaml

from leadline.errors import UnreachableError
from leadline_lab.sandbox.binaries import programs
from leadline_lab.sandbox.folder import Folder
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.process import account, give, reachable, spawn
from leadline_lab.sandbox.wait import eventually

SCOPE = "main"
PASSWORD = "patroni"
AGENT = "leadline"
TTL_S, LOOP_S = 20, 1
BOOT_S = 90.0
INIT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(36, 1)
child = os.fork()
if not child:
    os.execv(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
while True:
    ended, status = os.waitpid(-1, 0)
    if ended == child:
        sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""
"""Reaps orphans, as the first process of a host does: Patroni waits until a postmaster that it stopped has vanished."""


class Member:
    """One member: Patroni, its REST API and its PostgreSQL."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.port, self.rest, self.raft = Port(), Port(), Port()
        self._guard: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        give(folder)

    def dsn(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """A libpq connection string."""
        return f"host={HOST} port={self.port.number} dbname={dbname} user={user} password={PASSWORD}"

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement of the superuser; none when it returns nothing."""
        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self, partners: list[str], binaries: Path) -> None:
        """Start Patroni, which starts PostgreSQL."""
        config = self.folder / "patroni.yml"
        config.write_text(yaml.safe_dump(self._config(partners, binaries)))
        give(config)
        python, path = _python()
        with (self.folder / "log").open("ab") as log:
            self._guard = spawn(
                *(python, "-c", INIT, python, "-m", "patroni", config),
                cwd=self.folder,
                env={"PYTHONPATH": path, "PATH": f"{binaries}:{os.defpath}"},
                output=log,
                owner=account(),
                farewell=signal.SIGTERM,
            )

    def kill(self) -> None:
        """Kill Patroni and every process of PostgreSQL, as when a host is lost."""
        postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        patroni = _first_child(self._init())
        os.kill(patroni, signal.SIGKILL)
        os.kill(postmaster, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """Stop Patroni as a service manager does; it stops PostgreSQL."""
        os.kill(self._init(), signal.SIGTERM)
        self._wait()

    def rest_call(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        """Status and answer of the REST API; 0 while it does not answer."""
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"http://{HOST}:{self.rest.number}{path}", data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=30.0) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError) as error:
            return 0, str(error)

    def log_tail(self) -> str:
        """The end of what Patroni wrote."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def close(self) -> None:
        """End all its processes."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
        for port in (self.port, self.rest, self.raft):
            port.close()

    def _init(self) -> int:
        assert self._guard is not None
        return _first_child(self._guard.pid)

    def _wait(self) -> None:
        guard = self._guard
        assert guard is not None
        if guard.stdin is not None:
            guard.stdin.close()
        guard.wait(60.0)
        self._guard = None

    def _config(self, partners: list[str], binaries: Path) -> dict[str, Any]:
        users = {
            "superuser": {"username": "postgres", "password": PASSWORD},
            "replication": {"username": "replicator", "password": PASSWORD},
        }
        parameters = {
            **{"shared_buffers": "16MB", "max_connections": 40, "wal_level": "logical", "fsync": "off"},
            **{"unix_socket_directories": str(self.folder), "password_encryption": "scram-sha-256"},
            **{"max_wal_size": "128MB", "min_wal_size": "32MB", "wal_retrieve_retry_interval": "500ms"},
        }
        return {
            "scope": SCOPE,
            "name": self.name,
            "restapi": {"listen": f"{HOST}:{self.rest.number}", "connect_address": f"{HOST}:{self.rest.number}"},
            "raft": {
                "data_dir": str(self.folder / "raft"),
                "self_addr": f"{HOST}:{self.raft.number}",
                "partner_addrs": partners,
            },
            "bootstrap": {
                "dcs": {
                    **{"ttl": TTL_S, "loop_wait": LOOP_S, "retry_timeout": 5, "maximum_lag_on_failover": 1048576},
                    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": parameters},
                },
                "initdb": ["no-sync", {"encoding": "UTF8"}, {"locale": "C"}],
            },
            "postgresql": {
                "listen": f"{HOST}:{self.port.number}",
                "connect_address": f"{HOST}:{self.port.number}",
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(binaries),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": users,
                "pg_hba": [
                    *("host all all 127.0.0.1/32 scram-sha-256", "local all all trust"),
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
                "basebackup": ["no-sync", {"checkpoint": "fast"}],
            },
        }


class PatroniCluster:
    """Members named ``pg-1``, ``pg-2`` and ``pg-3``, healthy, with the agents' role, until ``close``."""

    def __init__(self, number: int = 3) -> None:
        self._folder = Folder()
        give(self._folder.path)
        self._binaries = programs().within_reach(self._folder.path / "programs").server
        self.members = [Member(f"pg-{n}", self._folder.path / f"pg-{n}") for n in range(1, number + 1)]
        try:
            for member in self.members:
                self.start(member)
            eventually("the Patroni cluster is healthy", lambda: self.healthy(number), BOOT_S)
            self.leader.query(f"CREATE ROLE {AGENT} LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor")
        except BaseException as error:
            ends = "\n".join(f"{member.name}: {member.log_tail()}" for member in self.members)
            self.close()
            if isinstance(error, UnreachableError):
                raise UnreachableError(f"{error}\n{ends}") from None
            raise

    def start(self, member: Member) -> None:
        """Start a member that does not run."""
        member.start([f"{HOST}:{m.raft.number}" for m in self.members if m is not member], self._binaries)

    @property
    def leader(self) -> Member:
        """The member that Patroni calls leader. Raises UnreachableError while there is none."""
        for member in self.members:
            if member.rest_call("/primary")[0] == 200:
                return member
        raise UnreachableError("no member is the leader")

    def healthy(self, number: int) -> bool:
        """Whether so many members run, all but the leader streaming."""
        for member in self.members:
            status, text = member.rest_call("/cluster")
            if status == 200:
                states = [(each["role"], each["state"]) for each in json.loads(text)["members"]]
                wanted = {("leader", "running"), ("replica", "streaming")}
                return len(states) == number and set(states) <= wanted and ("leader", "running") in states
        return False

    def switchover(self, candidate: str) -> None:
        """Ask the leader to hand over, and wait until Patroni says that it is done."""
        leader = self.leader
        status, text = leader.rest_call("/switchover", {"leader": leader.name, "candidate": candidate})
        if status != 200:
            raise UnreachableError(f"the switchover failed: {status} {text}")

    def close(self) -> None:
        """Stop everything. Harmless a second time."""
        for member in self.members:
            member.close()
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _first_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _python() -> tuple[str, str]:
    """A Python that the sandbox's account can run, and the folder of the packages that it needs."""
    spec = find_spec("patroni")
    if spec is None or spec.origin is None:
        raise UnreachableError("Patroni is not installed: pip install -e '.[dev]'")
    packages = str(Path(spec.origin).parents[1])
    own = Path(sys.executable).resolve()
    if reachable(own):
        return str(own), packages
    system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    if not system.exists():
        raise UnreachableError(f"{own} cannot be run by the sandbox's account, and there is no {system}")
    return str(system), packages
