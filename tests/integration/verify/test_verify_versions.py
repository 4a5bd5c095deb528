"""Every supported version of PostgreSQL, with a role that has SELECT and nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager

from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Logical, Pair
from tests.fixtures.verified import PASSWORD, ROLE, verifier, verify


@contextmanager
def role(*servers: Server, database: str) -> Iterator[None]:
    """The role on each server, for as long as it is needed."""
    for server in servers:
        server.query(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        server.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}", dbname=database)
    try:
        yield
    finally:
        for server in servers:
            server.query(f"DROP OWNED BY {ROLE}", dbname=database)
            server.query(f"DROP ROLE {ROLE}")


def test_a_standby(run: Run, any_pair: Pair) -> None:
    up, down = any_pair.primary, any_pair.standby
    up.query("CREATE TABLE verified AS SELECT g AS id, 'v' || g AS v, g / 3.0 AS n FROM generate_series(1, 1000) g")
    try:
        with role(up, database="postgres"):
            any_pair.fleet.wait_caught_up()
            keyless = verify(run, verifier(up, "postgres"), verifier(down, "postgres"), "--table", "verified")
            up.query("ALTER TABLE verified ADD PRIMARY KEY (id)")
            any_pair.fleet.wait_caught_up()
            keyed = verify(run, verifier(up, "postgres"), verifier(down, "postgres"), "--table", "verified")
    finally:
        up.query("DROP TABLE verified")
    for found in (keyless, keyed):
        assert (found.states, found.result.code) == ({"verified": "equal"}, 0), found.result
        assert found.summary["canary"] == "found"


def test_a_subscriber(run: Run, any_logical: Logical) -> None:
    up, down = any_logical.publisher, any_logical.subscriber
    any_logical.on_publisher("INSERT INTO items SELECT g, 'v' || g FROM generate_series(70001, 70500) g")
    any_logical.fleet.wait_caught_up()
    with role(up, down, database="app"):
        any_logical.on_subscriber("UPDATE items SET note = 'other' WHERE id = 70100")
        found = verify(run, verifier(up), verifier(down), "--table", "items", "--chunk", 100)
    any_logical.on_subscriber("UPDATE items SET note = 'v70100' WHERE id = 70100")
    assert found.found >= {("items", "70100", "changed", ("note",))}
    assert {key for _, key, _, _ in found.found if key.startswith("70")} == {"70100"}
    assert found.summary["canary"] == "found"
