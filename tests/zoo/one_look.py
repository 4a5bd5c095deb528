"""``leadline check`` on broken servers, as somebody types it who has nothing but connection strings."""

import json
from collections.abc import Iterator
from typing import Any

from click.testing import CliRunner

from leadline_cli.check import command
from leadline_lab.sandbox.fleet import AGENT
from tests.zoo.conftest import database_of


def first_cause(topology: Any) -> str:
    """The cause that one look ranks first; empty when it names none."""
    return next(causes(topology), "")


def causes(topology: Any) -> Iterator[str]:
    """The causes that one look names, in its order."""
    database = database_of(topology)
    dsns = [server.dsn(database, AGENT) for server in topology.fleet.servers.values()]
    done = CliRunner().invoke(command, [*dsns, "--format", "json"])
    if done.exception is not None and not isinstance(done.exception, Exception | SystemExit):
        raise done.exception
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record.get("kind") == "cause":
            yield str(record["code"])
