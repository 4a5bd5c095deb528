"""Every supported version of PostgreSQL, with a role that has SELECT and nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager

from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Logical, Pair
from tests.fixtures.verified import PASSWORD, ROLE, verifier, verify

DEFINED = (
    "CREATE TABLE defined (id serial PRIMARY KEY, note varchar(40), amount bigint, kind text)",
    "CREATE TABLE parted (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500)",
    "CREATE TABLE bare (a int, b text)",
)
DRIFTED = (
    "ALTER TABLE defined ALTER note TYPE varchar(10), ALTER amount TYPE int, ALTER kind SET NOT NULL",
    "ALTER TABLE defined ADD CONSTRAINT positive CHECK (amount > 0)",
    "CREATE UNIQUE INDEX ON defined (note)",
    "ALTER TABLE bare DROP COLUMN b",
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER stamps BEFORE INSERT ON defined FOR EACH ROW EXECUTE FUNCTION stamp()",
    "ALTER TABLE defined ENABLE ALWAYS TRIGGER stamps",
)


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


def test_definitions_that_differ(run: Run, any_logical: Logical) -> None:
    """The statements about definitions, constraints, triggers and sequences are those of every version."""
    up, down = any_logical.publisher, any_logical.subscriber
    for server in (up, down):
        server.execute(*DEFINED, dbname="app")
    any_logical.alter("REFRESH PUBLICATION")
    ready = "SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'"
    eventually("the tables are copied", lambda: not down.query(ready, dbname="app"), 60)
    up.query("SELECT setval('defined_id_seq', 30)", dbname="app")
    down.execute(*DRIFTED, dbname="app")
    try:
        with role(up, down, database="app"):
            for server in (up, down):
                server.query(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE}", dbname="app")
            found = verify(run, verifier(up), verifier(down))
    finally:
        for server in (up, down):
            server.execute("DROP TABLE defined, parted, bare", dbname="app")
        down.execute("DROP FUNCTION stamp()", dbname="app")
        any_logical.alter("REFRESH PUBLICATION")
    codes = {
        (each["table"], each["code"], each["breaks"])
        for each in found.summary["schema_differences"]
        if each["table"] in ("public.defined", "public.bare", "public.parted", "public.parted_1")
    }
    assert codes == {
        ("public.bare", "column_missing", True),
        ("public.bare", "identity_missing", True),
        ("public.defined", "check_on_subscriber", True),
        ("public.defined", "not_null_on_subscriber", True),
        ("public.defined", "trigger_fires_on_apply", False),
        ("public.defined", "type_differs", True),
        ("public.defined", "unique_on_subscriber", True),
    }
    behind = {each["sequence"]: (each["upstream_value"], each["used_by"]) for each in found.summary["sequences_behind"]}
    assert behind["public.defined_id_seq"] == (30, "public.defined.id")
