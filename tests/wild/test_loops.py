"""Two servers that subscribe to the same tables of each other and take changes of any origin, which is the default."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql

from leadline_lab.faults.topologies import DATABASE
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

SOURCES = (
    "canonical/postgresql-operator#1085",
    "2ndQuadrant/pglogical#210",
    "canonical/postgresql-k8s-operator#1052",
)
KEYLESS = "CREATE TABLE asd (message int)"
KEYED = "CREATE TABLE items (id int PRIMARY KEY, note text)"


@contextmanager
def both_ways(schema: str, *, version: int = 18, back: str = "copy_data = false") -> Iterator[tuple[Server, Server]]:
    """Each server subscribes to all tables of the other one; ``back``: options of the second subscription."""
    with Fleet(binaries_for(version), plain=True) as fleet:
        one = fleet.primary("pg-1")
        one.query(f"CREATE DATABASE {DATABASE}")
        one.query(schema, dbname=DATABASE)
        other = fleet.subscriber("pg-3", one, schema=schema)
        other.query("CREATE PUBLICATION back FOR ALL TABLES", dbname=DATABASE)
        other.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname=DATABASE)
        to = sql.Literal(other.dsn(DATABASE, REPLICATOR)).as_string()
        fleet.wait_caught_up()
        one.query(f"CREATE SUBSCRIPTION back CONNECTION {to} PUBLICATION back WITH ({back})", dbname=DATABASE)
        streams = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        eventually("both stream", lambda: all(bool(each.value(streams)) for each in (one, other)))
        yield one, other


@pytest.mark.parametrize("version", [18, 15])
@pytest.mark.situation(190, "A row without a key goes round and is inserted without end", *SOURCES)
def test_inserts_go_round(wild: Wild, run: Run, version: int) -> None:
    """No error, no conflict and no lag: the two subscriptions and their table are the evidence."""
    wild.server_version = str(version)
    with both_ways(KEYLESS, version=version) as servers:
        servers[0].query("INSERT INTO asd VALUES (1)", dbname=DATABASE)
        eventually("it comes back", lambda: int(servers[0].value("SELECT count(*) FROM asd", dbname=DATABASE)) > 2)
        wild.begins()
        with watched(servers, DATABASE) as seen:
            cause = seen.names("bidirectional_loop", above=0.9)
            wild.answers(cause.summary)
            assert "a change of public.asd goes round between the two without end" in cause.summary
            assert len([one for one in seen.incidents() if one.state == "open"]) == 1, seen.history()
            result = run("check", *(each.dsn(DATABASE, AGENT) for each in servers))
            assert result.code == 1
            assert "public.asd goes round" in result.out, result.out
            if version >= 16:
                assert "ALTER SUBSCRIPTION pg_3 SET (origin = none)" in cause.fix
                assert "ALTER SUBSCRIPTION back SET (origin = none)" in cause.fix
                servers[0].query("ALTER SUBSCRIPTION back SET (origin = none)", dbname=DATABASE)
                servers[1].query("ALTER SUBSCRIPTION pg_3 SET (origin = none)", dbname=DATABASE)
            else:
                assert "origin = none" not in cause.fix
                servers[0].query("ALTER SUBSCRIPTION back DISABLE", dbname=DATABASE)
            seen.ends()


@pytest.mark.situation(191, "A row with a key comes back to the server where it was made", *SOURCES)
def test_a_key_collides(wild: Wild) -> None:
    """On the second server: its subscription fails. One problem is one incident."""
    with both_ways(KEYED) as (one, other), watched((one, other), DATABASE) as seen:
        wild.begins()
        other.query("INSERT INTO items VALUES (1, 'made')", dbname=DATABASE)
        cause = seen.names("bidirectional_loop", above=0.9)
        wild.answers(cause.summary)
        seen.fires("apply_error")
        seen.look(12)
        open_now = [each for each in seen.incidents() if each.state == "open"]
        assert len(open_now) == 1, seen.history()
        assert open_now[0].causes[0].code == "bidirectional_loop"
        assert address(other) in cause.summary


@pytest.mark.parametrize("back", ["copy_data = false, origin = none"])
@pytest.mark.situation(192, "Two servers that subscribe to each other, and only what was made there", *SOURCES)
def test_nothing_goes_round(wild: Wild, run: Run, back: str) -> None:
    """Both take only what was made on the other one: nothing comes back, and nothing is raised."""
    with both_ways(KEYED, back=back) as (one, other):
        other.query("ALTER SUBSCRIPTION pg_3 SET (origin = none)", dbname=DATABASE)
        for server in (one, other):
            server.configure(track_commit_timestamp="on")
            server.restart()
        with watched((one, other), DATABASE, settled=True) as seen:
            for number in range(6):
                one.query(f"INSERT INTO items VALUES ({number}, 'one')", dbname=DATABASE)
                other.query(f"INSERT INTO items VALUES ({100 + number}, 'other')", dbname=DATABASE)
                seen.look()
            seen.quiet(15.0)
        result = run("check", one.dsn(DATABASE, AGENT), other.dsn(DATABASE, AGENT))
        assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(
    193, "Two servers that subscribe to other tables of each other, with the default origin", *SOURCES
)
def test_other_tables_in_each_direction(wild: Wild, run: Run) -> None:
    """No table is in both subscriptions, so nothing comes back."""
    schema = "CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE stock (id int PRIMARY KEY)"
    with Fleet(plain=True) as fleet:
        one, other = fleet.primary("pg-1"), fleet.primary("pg-3")
        for server, table in ((one, "orders"), (other, "stock")):
            server.query(f"CREATE DATABASE {DATABASE}")
            server.query(schema, dbname=DATABASE)
            server.query(f"CREATE PUBLICATION {table} FOR TABLE {table}", dbname=DATABASE)
            server.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname=DATABASE)
            server.configure(track_commit_timestamp="on")
            server.restart()
        for server, up, table in ((other, one, "orders"), (one, other, "stock")):
            to = sql.Literal(up.dsn(DATABASE, REPLICATOR)).as_string()
            server.query(f"CREATE SUBSCRIPTION {table} CONNECTION {to} PUBLICATION {table}", dbname=DATABASE)
        # It is measured every ten seconds, and shortly after the links are found.
        found_late = {"server_not_watched": {"for_s": 20.0}}
        with watched((one, other), DATABASE, found_late, settled=True) as seen:
            one.query("INSERT INTO orders VALUES (1)", dbname=DATABASE)
            other.query("INSERT INTO stock VALUES (1)", dbname=DATABASE)
            seen.quiet(15.0)
        result = run("check", one.dsn(DATABASE, AGENT), other.dsn(DATABASE, AGENT))
        assert result.code == 0, result.out
    wild.raises_nothing()
