"""Definitions of tables that stop changes: an identity that was dropped, a column that is too short."""

import pytest

from leadline_lab.faults.topologies import DATABASE
from leadline_lab.sandbox.fleet import Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent
from tests.wild.test_server_log_reasons import logical
from tests.wild.watching import watched

BY_INDEX = "CREATE TABLE items (id int NOT NULL, note text); CREATE UNIQUE INDEX items_id ON items (id)"


@pytest.mark.situation(
    1018,
    "The index of a replica identity was dropped",
    "Schema-Smith/SchemaSmith#407",
    "mastra-ai/mastra#13097",
    "shayonj/pg_easy_replicate#89",
)
def test_the_index_of_an_identity_is_dropped(wild: Wild, run: Run) -> None:
    """The table had no primary key. From now on applications get errors, and replication is in order."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, BY_INDEX, readable=False)
        for server in (publisher, subscriber):
            server.query("ALTER TABLE items REPLICA IDENTITY USING INDEX items_id", dbname=DATABASE)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        publisher.query("UPDATE items SET note = 'b'", dbname=DATABASE)
        fleet.wait_caught_up()
        publisher.query("DROP INDEX items_id", dbname=DATABASE)
        wild.begins()
        with watched([publisher, subscriber], DATABASE) as seen:
            cause = seen.names("replica_identity_missing", 30.0)
            wild.answers(cause.summary)
            assert "PostgreSQL refuses updates and deletes of public.items" in cause.summary
        result = run("check", agent(publisher, DATABASE), agent(subscriber, DATABASE))
        assert "refuses updates and deletes of public.items" in result.out, result.out


@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.parametrize("readable", [True, False], ids=["readable", "unreadable"])
@pytest.mark.situation(
    1025, "A column of the subscriber is too short", "dimitri/pgcopydb#932", "freelawproject/courtlistener#919"
)
def test_a_value_that_is_too_long(wild: Wild, run: Run, readable: bool, late: bool) -> None:
    """The column was made longer on the publisher alone; both types are named."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, readable=readable)

        def break_it() -> None:
            subscriber.query("ALTER TABLE items ALTER note TYPE varchar(3)", dbname=DATABASE)
            publisher.query("INSERT INTO items VALUES (1, 'much longer')", dbname=DATABASE)

        if late:
            break_it()
        wild.begins()
        with watched([publisher, subscriber], DATABASE, settled=not late) as seen:
            if not late:
                break_it()
                wild.begins()
            types = "column note of public.items is character varying(3) and text is sent"
            seen.until("both are named", lambda: any(types in one.summary for one in seen.causes()[:1]), 60.0)
            cause = seen.names("subscriber_schema_drift", above=0.5)
            wild.answers(cause.summary)
            assert "much longer" not in str(cause)
        result = run("check", agent(publisher, DATABASE), agent(subscriber, DATABASE))
        assert types in result.out, result.out
