"""Does what a scenario says, on the real servers: the only place that touches them once the play has begun."""

from contextlib import ExitStack

import psycopg

from leadline.errors import ProblemFound
from leadline_lab.demo.advice import statements
from leadline_lab.demo.observed import Seen
from leadline_lab.demo.scenario import Deed, Exports, Heeds, Reads, Runs, Sets, Writes
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import pgbench


class Hands:
    """Those of an application, a colleague, and whoever repairs what they did. Blocks while it works."""

    def __init__(self, fleet: Fleet) -> None:
        self._servers = fleet.servers
        self._left = ExitStack()

    def do(self, deed: Deed, seen: Seen) -> None:
        """Do it. Raises LeadlineError that says what could not be done."""
        try:
            self._do(deed, seen)
        except psycopg.Error as error:
            raise ProblemFound(f"{deed}: {error}") from error

    def close(self) -> None:
        """Stop what goes on by itself."""
        self._left.close()

    def _do(self, deed: Deed, seen: Seen) -> None:
        match deed:
            case Writes(node, rate):
                self._left.enter_context(pgbench(self._servers[node], rate=rate))
            case Sets(node, setting, value, restart):
                self._servers[node].configure(**{setting: value})
                if restart:
                    self._servers[node].restart()
            case Reads(node, application, statement):
                self._leave_open(self._servers[node], application, statement)
            case Runs(node, dbname, statement):
                self._servers[node].query(statement, dbname=dbname)
            case Heeds(cause):
                self._heed(cause, seen)
            case Exports():
                raise AssertionError("exporting is the stage's")

    def _leave_open(self, server: Server, application: str, statement: str) -> None:
        session = psycopg.connect(server.dsn(application_name=application))
        self._left.callback(session.close)
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(statement.encode())

    def _heed(self, cause: str, seen: Seen) -> None:
        fix = next((named.fix for named in seen.causes if named.code == cause), "")
        node, given = statements(fix)
        if node not in self._servers or not given:
            raise ProblemFound(f"the incident gives no statements to run for {cause}: {fix or 'it does not name it'}")
        for statement in given:
            self._servers[node].query(statement)
