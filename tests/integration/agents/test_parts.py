"""Each statement runs with the stub of each part in its place, and each part can be asked for alone."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from leadline_agents.engines.postgresql import answers, catalog
from leadline_agents.engines.postgresql.parts import GROUPS, PARTS, lost, used_by
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.fleets import Shelf

STATEMENTS = (catalog.FRAME, catalog.FILES, catalog.SETTINGS, catalog.TABLES)


@pytest.fixture(params=[15, 18], ids="postgresql-{}".format)
def servers(shelf: Shelf, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The version before which a subquery needs an alias, and the newest."""
    with shelf.lend(make_pair, request.param) as pair:
        yield pair


def test_every_stub_fits_every_statement(servers: Pair) -> None:
    """On both roles; a look without the part is a look."""
    for server in (servers.primary, servers.standby):
        with psycopg.connect(server.dsn(user=AGENT), autocommit=True) as session:
            version_num = session.info.server_version
            for name in STATEMENTS:
                for part in used_by(catalog.statement(name, version_num).decode()):
                    refused = frozenset({part.name})
                    text = catalog.statement(name, version_num, GROUPS & {*lost(refused)}, refused)
                    (document,) = session.execute(text).fetchone() or (None,)
                    assert isinstance(document, str), part.name
                    if name == catalog.FRAME:
                        assert answers.read_look(document.encode()).node.version_num == version_num


def test_every_part_can_be_asked_for_alone(servers: Pair) -> None:
    """In both roles, without an error where nothing is refused."""
    for server in (servers.primary, servers.standby):
        with psycopg.connect(server.dsn(user=AGENT), autocommit=True) as session:
            for name in STATEMENTS:
                for part in used_by(catalog.statement(name, session.info.server_version).decode()):
                    session.execute(part.asked.format(name=part.name).encode())


def test_the_names_of_the_parts_are_those_of_the_server(servers: Pair) -> None:
    """A misspelt function would be reported as missing on every server."""
    with psycopg.connect(servers.primary.dsn(user=AGENT), autocommit=True) as session:
        text = catalog.statement(catalog.SESSION, session.info.server_version)
        (text,) = session.execute(text).fetchone() or ("{}",)
        document = json.loads(text)
        used = used_by(catalog.statement(catalog.FRAME, session.info.server_version).decode())
    missing, denied = document["missing"], document["denied"]
    assert denied == []
    assert not {name for part in used for name in (*part.functions, part.relation)} & set(missing)
    assert {*missing} <= {name for part in PARTS.values() for name in (*part.functions, part.relation)}
