"""``leadline check`` on broken servers, as somebody types it who has nothing but connection strings."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from click.testing import CliRunner

from leadline_cli.check import command
from leadline_lab.sandbox.fleet import AGENT
from tests.zoo.conftest import database_of


def first_cause(topology: Any, without_agent: Collection[str] = ()) -> str:
    """The cause that one look ranks first; empty when it names none. Servers ``without_agent`` are not looked at."""
    return next(causes(topology, without_agent), "")


def causes(topology: Any, without_agent: Collection[str] = ()) -> Iterator[str]:
    """The causes that one look names, in its order."""
    database = database_of(topology)
    servers = [server for server in topology.fleet.servers.values() if server.name not in without_agent]
    dsns = [server.dsn(database, AGENT) for server in servers]
    done = CliRunner().invoke(command, [*dsns, "--format", "json"])
    if done.exception is not None and not isinstance(done.exception, Exception | SystemExit):
        raise done.exception
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record.get("kind") == "cause":
            yield str(record["code"])
