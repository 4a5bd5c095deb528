"""The statements of the runbooks run, with the rights of a role that may only monitor."""

import re
from pathlib import Path

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.fleets import Logical, Pair

RUNBOOKS = sorted((Path(__file__).parents[2] / "docs/runbooks").glob("*.md"))
BLOCK = re.compile(r"^ *```sql\n *-- on ([^\n]+)\n(.*?)```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.integration


def run(page: Path, servers: dict[str, Server], dbname: str) -> int:
    """Run each statement of each block on the servers it is for; the number of statements."""
    count = 0
    for place, text in BLOCK.findall(page.read_text()):
        for server in servers.values() if place == "both" else [servers[place]] if place in servers else []:
            with psycopg.connect(server.dsn(user=AGENT, dbname=dbname)) as connection:
                connection.read_only = True
                for statement in filter(None, map(str.strip, text.split(";\n"))):
                    connection.execute(statement)  # type: ignore[arg-type]
                    count += 1
    return count


def test_every_statement_says_where_to_run_it() -> None:
    """Each block names a place that one of the two tests below has."""
    places = {place for page in RUNBOOKS for place, _ in BLOCK.findall(page.read_text())}
    assert places == {"the primary", "the standby", "both", "the publisher", "the subscriber"}
    blocks = sum(page.read_text().count("```sql") for page in RUNBOOKS)
    assert blocks == sum(len(BLOCK.findall(page.read_text())) for page in RUNBOOKS)


def test_on_a_pair(pair: Pair) -> None:
    """Those for a primary, a standby, or both."""
    servers = {"the primary": pair.primary, "the standby": pair.standby}
    assert sum(run(page, servers, "postgres") for page in RUNBOOKS) > 30


def test_on_a_subscription(logical: Logical) -> None:
    """Those for a publisher or a subscriber."""
    servers = {"the publisher": logical.publisher, "the subscriber": logical.subscriber}
    assert sum(run(page, servers, "app") for page in RUNBOOKS) > 10
