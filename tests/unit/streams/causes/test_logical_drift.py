"""Tables that differ on the two sides, as far as the agents could read."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.incident import Cause
from leadline.model.tables import Table, Tables
from leadline_streams.engines.postgresql.drift import between, rename
from tests.unit.streams.causes.logical import COUNTED, GONE, by_two, causes, first, logical, run
from tests.unit.streams.world import World

SENT = Table(name="public.items", columns={"id": "integer", "note": "text"})
HERE = Table(name="public.items", columns=SENT.columns, required=("id",))


def drifted(here: list[Table], *sent: Table, conflicts: Any = COUNTED, left_out: int = 0, **shown: Any) -> World:
    """A worker that fails, between a publisher that sends these tables and a subscriber that has those."""
    world = logical(**dict.fromkeys(["max_logical_replication_workers"], "4"))
    send_tables(world, here, *sent, left_out=left_out)
    errors = {"apply_errors": by_two} | shown
    run(world, 12, stuck=True, **GONE, publications=("pub",), conflicts=conflicts, **errors)
    return world


def send_tables(world: World, here: list[Table], *sent: Table, left_out: int = 0) -> None:
    """Both agents tell the tables of the database that is replicated."""
    published = {"pub": list(sent), "other": [Table(name="public.others")]}
    world.servers["pg-1"].set(database="app", publications=("pub",), tables=Tables(published=published))
    world.servers["pg-3"].set(database="app", tables=Tables(present=here, left_out=left_out))


def cause_of(world: World) -> Cause:
    (cause,) = [cause for cause in causes(world) if cause.code == "subscriber_schema_drift"]
    return cause


@pytest.mark.parametrize(
    ("here", "says", "fix"),
    [
        (
            [Table(name="public.items", columns={"id": "integer"}, required=("id",))],
            "public.items has no column note (text)",
            "ALTER TABLE public.items ADD COLUMN note text;",
        ),
        ([Table(name="public.mislaid")], "there is no table public.items", "CREATE TABLE public.items"),
        (
            [Table(name="public.items", columns={**SENT.columns, "At": "date"}, required=("id", "At"))],
            "column At of public.items refuses NULL, has no default and is not sent",
            'ALTER TABLE public.items ALTER COLUMN "At" DROP NOT NULL;',
        ),
    ],
)
@pytest.mark.parametrize(("conflicts", "confidence"), [(COUNTED, 0.97), ({}, 0.9)])
def test_what_differs_is_named(here: list[Table], says: str, fix: str, conflicts: Any, confidence: float) -> None:
    """Table, column and statement; before 18 a duplicate key cannot be ruled out, and that is stated."""
    cause = first(drifted(here, SENT, conflicts=conflicts))
    assert (cause.code, cause.confidence) == ("subscriber_schema_drift", confidence)
    assert says in cause.summary
    assert fix in cause.fix
    assert {each.node for each in cause.evidence_for if each.name.startswith("public.items")} == {"pg-1", "pg-3"}
    assert bool(cause.evidence_against) is (conflicts == {})


def test_types_may_differ() -> None:
    """A value of one type may be valid in the other: before 18 the duplicate key is likelier."""
    wider = [Table(name="public.items", columns={"id": "bigint", "note": "text"})]
    assert first(drifted(wider, SENT)).summary.endswith("column id of public.items is bigint and integer is sent")
    older = drifted(wider, SENT, conflicts={})
    assert first(older).code == "subscriber_duplicate_key"
    assert "is bigint" in cause_of(older).summary
    assert {step.risk for step in cause_of(older).steps} == {"look"}, "a guess changes nothing"
    assert "ALTER" not in cause_of(older).fix


def test_tables_that_are_alike_are_evidence_against_it() -> None:
    """Compared tables exclude it: the worker fails at something else, before 18 most often at a duplicate key."""
    world = drifted([HERE], SENT, conflicts={})
    assert [cause.code for cause in causes(world)] == ["subscriber_duplicate_key"]
    refused = first(drifted([HERE], SENT))
    assert (refused.code, refused.confidence) == ("apply_refused", 0.45)
    assert "the tables are alike on both sides" in refused.summary


def test_only_what_is_published_to_it_is_compared() -> None:
    """Columns that may be empty, tables of its own and other publications are the subscriber's business."""
    own = Table(name="public.own", columns={"a": "integer"}, required=("a",))
    more = Table(name="public.items", columns={**SENT.columns, "extra": "text"})
    world = drifted([more, own], SENT)
    assert [cause.code for cause in causes(world)] == ["apply_refused"]


def test_a_table_that_did_not_fit_is_not_missing() -> None:
    """A subscriber with very many tables does not send all of them."""
    world = drifted([], SENT, left_out=900)
    assert cause_of(world).confidence == 0.4
    assert ("left_out", "900") in {(each.name, each.value) for each in cause_of(world).evidence_against}


def test_many_differences_are_counted() -> None:
    """Three are named, one by one."""
    columns = {f"c{n}": "text" for n in range(5)}
    world = drifted([Table(name="public.items")], Table(name="public.items", columns=columns))
    assert first(world).summary.endswith("public.items has no column c2 (text), and 2 differences more")
    assert first(world).fix.count("ADD COLUMN") == 3


def test_before_15_a_worker_that_is_not_there_shows_it() -> None:
    """Errors are not counted there; that tables differ is reported all the same, before the network is blamed."""
    world = drifted([], SENT, conflicts={}, apply_errors=None)
    assert first(world).code == "subscriber_schema_drift"
    assert drifted([HERE], SENT, conflicts={}, apply_errors=None).first_cause() == "subscriber_cannot_connect"


def test_another_database_says_nothing() -> None:
    """An agent that is connected to another database sends other tables."""
    world = logical()
    send_tables(world, [], SENT)
    world.servers["pg-1"].set(database="postgres")
    run(world, 12, stuck=True, **GONE, publications=("pub",), apply_errors=by_two)
    assert cause_of(world).confidence == 0.4
    assert "replicated databases" in (cause_of(world).not_seen[0].note or "")


def test_tables_are_remembered_for_the_incident_and_forgotten_after_it() -> None:
    """They are sent now and then during a problem, and are large."""
    world = logical()
    send_tables(world, [], SENT)
    world.step()
    for server in world.servers.values():
        server.set(tables=None)
    run(world, 100, stuck=True, **GONE, publications=("pub",), apply_errors=by_two)
    assert first(world).confidence == 0.97
    run(world, 300, publications=("pub",), apply_errors=200)
    assert {node.tables for node in world.state.memory.nodes.values()} == {None}


@pytest.mark.parametrize(
    ("table", "to", "statement"),
    [
        ("public.items", "public.goods", "ALTER TABLE public.items RENAME TO goods"),
        ("shop.items", "public.items", "ALTER TABLE shop.items SET SCHEMA public"),
        (
            '"My".a',
            'public."b.c"',
            'ALTER TABLE "My".a SET SCHEMA public; ALTER TABLE public.a RENAME TO "b.c"',
        ),
        ("items", "public.goods", None),
    ],
)
def test_the_statement_that_renames(table: str, to: str, statement: str | None) -> None:
    """Names are written as SQL has them, quoted parts as one."""
    assert rename(table, to) == statement


@pytest.mark.parametrize("subscribed", [("public.goods",), ()])
def test_a_table_with_the_same_columns_was_renamed(subscribed: tuple[str, ...]) -> None:
    """Only one of the subscription's own: any other table may have the same columns by chance."""
    here = Tables(present=(Table(name="public.goods", columns=SENT.columns),))
    (found,) = between(("pub",), Tables(published={"pub": [SENT]}), here, subscribed)
    assert found.table == "public.items"
    assert found.other_name == (subscribed[0] if subscribed else None)


@pytest.mark.parametrize(("limit", "sent"), [("0", [SENT]), ("0", []), ("5", [SENT])])
def test_transactions_that_cannot_be_prepared(limit: str, sent: list[Table]) -> None:
    """By the option and the setting; not where the tables differ, or where transactions can be prepared."""
    world = logical(max_prepared_transactions=limit)
    here = [HERE] if sent else [Table(name="public.mislaid")]
    send_tables(world, here, SENT)
    run(world, 12, stuck=True, **GONE, publications=("pub",), conflicts=COUNTED, apply_errors=by_two, two_phase="e")
    code = first(world).code
    assert code == ("apply_refused" if sent else "subscriber_schema_drift")
    assert ("two_phase, and max_prepared_transactions = 0 on pg-3" in first(world).summary) is (
        limit == "0" and bool(sent)
    )


@pytest.mark.parametrize(
    ("table", "says", "repair", "confidence"),
    [
        (
            Table(name="public.items", denied=("row security",), role="shop"),
            "row security of public.items applies to shop, in whose name its worker writes",
            "ALTER ROLE shop BYPASSRLS",
            0.93,
        ),
        (
            Table(name="public.items", denied=("SET ROLE",), role="shop", owner="app"),
            "shop, who owns it, may not act as app, who owns public.items",
            "GRANT app TO shop",
            0.93,
        ),
        (
            Table(name="public.items", denied=("SET ROLE", "superuser"), role="shop", owner="postgres"),
            "shop, who owns it, may not act as postgres, who owns public.items",
            "ALTER TABLE public.items OWNER TO shop",
            0.93,
        ),
        (
            Table(name="public.items", denied=("DELETE",), role="app"),
            "app, in whose name its worker writes, lacks DELETE on public.items",
            "GRANT DELETE ON public.items TO app",
            0.7,
        ),
        (
            Table(name="public.items", denied=("TRUNCATE",), role="app"),
            "app, in whose name its worker writes, lacks TRUNCATE on public.items",
            "GRANT TRUNCATE ON public.items TO app",
            0.45,
        ),
    ],
)
def test_a_right_that_the_worker_lacks(table: Table, says: str, repair: str, confidence: float) -> None:
    """The catalogs show it; a right that inserts do not need may not be the reason, that to truncate is seldom one."""
    cause = first(drifted([replace(table, columns=SENT.columns)], SENT))
    assert (cause.code, cause.confidence) == ("apply_refused", confidence)
    assert says in cause.summary
    assert [step.sql for step in cause.steps if step.risk == "careful"] == ([repair] if confidence > 0.5 else [])
