"""The verifier of the demo: compares publisher and subscriber, and writes the statements that repair."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from leadline.errors import ProblemFound
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.port import HOST
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.server_files import OnChange

PUBLISHER, SUBSCRIBER = "pg-1", "pg-4"
ROLE: Final = "leadline_verify"
"""The role of its sessions. It may read tables, and nothing else."""
PACE: Final[dict[str, Any]] = {"report_every_s": 5.0, "budget": {"max_lag_s": 2.0}}
EVERY_S: Final = 1.0
"""Far more often than in production, where a day is usual."""
WRITES: Final = ("INSERT ", "UPDATE ", "DELETE ")


class DemoVerifier:
    """``leadline verify`` as a process, and once more as a command that writes statements."""

    def __init__(self, fleet: Fleet, pipeline: Pipeline, database: str) -> None:
        self._fleet, self._pipeline, self._database = fleet, pipeline, database
        self._password = secrets.token_hex(16)

    def admit(self, *primaries: Server) -> None:
        """Create the role, as ``deploy/sql/verify.sql`` does."""
        password = sql.Literal(self._password).as_string()
        for server in primaries:
            server.query(f"CREATE ROLE {ROLE} LOGIN PASSWORD {password} IN ROLE pg_read_all_data")

    def start(self, cluster: str, subscription: str, settings: Mapping[str, Any]) -> None:
        """Start the process. ``settings``: more of them."""
        link = {
            "cluster": cluster,
            "upstream": PUBLISHER,
            "downstream": SUBSCRIBER,
            "subscription": subscription,
            "upstream_dsn": self._dsn(PUBLISHER, password=self._password),
            "downstream_dsn": self._dsn(SUBSCRIBER, password=self._password),
            "every_s": EVERY_S,
        }
        self._pipeline.start("verify", {"links": [link], **PACE, **settings})

    def repair(self, table: str, on_change: OnChange) -> None:
        """Run the statements that make a table of the subscriber as the publisher has it, and report each before.

        Raises LeadlineError when the command fails.
        """
        passwords, file = self._pipeline.file("pgpass"), self._pipeline.file("repair.sql")
        passwords.touch(mode=0o600)
        passwords.write_text(f"*:*:*:{ROLE}:{self._password}\n")  # where a command line would show it to everybody
        servers = [f"{name}={self._dsn(name, passfile=str(passwords))}" for name in (PUBLISHER, SUBSCRIBER)]
        options = ("--table", table, "--repair-sql", str(file))
        self._pipeline.run("verify", *servers, *options, accept=(ProblemFound.exit_code,))
        script = file.read_text()
        for line in script.splitlines():
            if line.startswith(WRITES):
                on_change(f"on {SUBSCRIBER}, database {self._database}: {line}")
        try:
            self._fleet.servers[SUBSCRIBER].query(script, dbname=self._database)
        except psycopg.Error as error:
            raise ProblemFound(f"the statements that leadline verify wrote for {table}: {error}") from error

    def _dsn(self, node: str, **options: str) -> str:
        port = self._fleet.servers[node].port
        return make_conninfo(host=HOST, port=port, dbname=self._database, user=ROLE, **options)
