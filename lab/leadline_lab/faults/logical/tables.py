"""Tables differ on the two sides, cannot be copied, or have no replica identity."""

from typing import Final

import psycopg

from leadline.errors import ProblemFound
from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Logical, make_logical

NO_IDENTITY: Final = "does not have a replica identity and publishes updates"


@fault(
    make_logical,
    Expected(
        rule="apply_error",
        cause="subscriber_schema_drift",
        verdict="broken",
        summary=("public.items has no column note (text)",),
        fix=("ALTER TABLE public.items ADD COLUMN note text;",),
    ),
)
def missing_column(logical: Logical) -> Course:
    """A column was dropped on the subscriber only."""
    yield Prepared()
    logical.on_subscriber("ALTER TABLE items DROP COLUMN note")
    logical.on_publisher("INSERT INTO items VALUES (3000, 'a')")
    yield Injected()
    logical.on_subscriber("ALTER TABLE items ADD COLUMN note text")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="table_not_subscribed",
        cause="publication_not_refreshed",
        summary=("publishes public.orders",),
        within_s=90.0,
        resolved_within_s=30.0,
    ),
)
def table_not_subscribed(logical: Logical) -> Course:
    """A table was created on both sides, and the subscription was not refreshed."""
    yield Prepared()
    logical.on_subscriber("CREATE TABLE orders (id int PRIMARY KEY)")
    logical.on_publisher("CREATE TABLE orders (id int PRIMARY KEY)", "INSERT INTO orders VALUES (1)")
    yield Injected()
    logical.refresh()
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="apply_error",
        cause="subscriber_schema_drift",
        verdict="broken",
        summary=("there is no table public.lost",),
    ),
)
def missing_table(logical: Logical) -> Course:
    """A table was renamed on the subscriber only, and the publisher still writes to it."""
    logical.replicate("CREATE TABLE lost (id int PRIMARY KEY)")
    yield Prepared()
    logical.on_subscriber("ALTER TABLE lost RENAME TO mislaid")
    logical.on_publisher("INSERT INTO lost VALUES (1)")
    yield Injected()
    logical.on_subscriber("ALTER TABLE mislaid RENAME TO lost")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="apply_error",
        cause="subscriber_schema_drift",
        verdict="broken",
        summary=("column source of public.items refuses NULL",),
    ),
)
def column_that_is_not_sent(logical: Logical) -> Course:
    """A column that refuses NULL was added on the subscriber only."""
    yield Prepared()
    logical.on_subscriber("ALTER TABLE items ADD COLUMN source text NOT NULL DEFAULT 'here'")
    logical.on_subscriber("ALTER TABLE items ALTER COLUMN source DROP DEFAULT")
    logical.on_publisher("INSERT INTO items VALUES (3001, 'a')")
    yield Injected()
    logical.on_subscriber("ALTER TABLE items DROP COLUMN source")
    yield Healed()


@fault(
    make_logical,
    Expected(rule="table_sync_stuck", cause="table_sync_failing", fix=("find out who wrote them",)),
)
def table_sync_failing(logical: Logical) -> Course:
    """A new table of the publication has rows on the subscriber already, and its initial copy fails."""
    yield Prepared()
    table = "CREATE TABLE filled (id int PRIMARY KEY)"
    logical.on_subscriber(table, "INSERT INTO filled VALUES (1)")
    logical.on_publisher(table, "INSERT INTO filled VALUES (1)")
    logical.alter("REFRESH PUBLICATION")
    yield Injected()
    logical.on_subscriber("TRUNCATE filled")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="identity_missing",
        cause="replica_identity_missing",
        summary=("public.keyed on pg-1 (1 in all)",),
    ),
)
def replica_identity_missing(logical: Logical) -> Course:
    """The primary key of a published table was dropped: updates fail on the publisher, and nothing is replicated."""
    logical.replicate("CREATE TABLE keyed (id int PRIMARY KEY, note text)")
    logical.on_publisher("INSERT INTO keyed VALUES (1, 'a')", "UPDATE keyed SET note = 'b'")
    logical.fleet.wait_caught_up()
    yield Prepared()
    logical.on_publisher("ALTER TABLE keyed DROP CONSTRAINT keyed_pkey")
    try:
        logical.on_publisher("UPDATE keyed SET note = 'c'")
    except psycopg.Error as error:
        if NO_IDENTITY not in str(error):
            raise
    else:
        raise ProblemFound("an update of a published table without a replica identity did not fail")
    yield Broken()
    _reload(logical)
    yield Injected()
    logical.on_publisher("ALTER TABLE keyed ADD PRIMARY KEY (id)")
    _reload(logical)
    yield Healed()


def _reload(logical: Logical) -> None:
    """An agent reads tables with the settings: at a reload, or within ten minutes."""
    logical.publisher.configure()
