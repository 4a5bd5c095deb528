"""Definitions and sequences compared: differences that break replication are not those that are only mentioned."""

from typing import Any

import pytest

from leadline_verify.schema_diff.columns import is_narrower
from leadline_verify.schema_diff.definitions import Definitions, SequenceState, SequenceUse, Side, TableDefinition
from leadline_verify.schema_diff.sequences import sequences_behind
from leadline_verify.schema_diff.tables import schema_differences
from leadline_verify.table_facts import CatalogTable, PublishedTable, SubscribedTable, TableKey
from tests.unit.verify.builders import column, table

PLACE = ("public", "t")
ALL = ("delete", "insert", "truncate", "update")
ID = column("id", not_null=True)
NOTE = column("note", "text")


def side(one: CatalogTable | None, definition: dict[str, Any] | None = None, **sequences: SequenceState) -> Side:
    return Side(
        tables={PLACE: one} if one is not None else {},
        definitions={PLACE: TableDefinition(schema_name="public", name="t", **(definition or {}))},
        sequences={("public", name): each for name, each in sequences.items()},
    )


def both(up: Side, down: Side, *, subscribed: bool = True, published: bool = True, **sent: Any) -> Definitions:
    entry = PublishedTable(schema_name="public", name="t", **{"actions": ALL, **sent})
    return Definitions(
        upstream=up,
        downstream=down,
        published={PLACE: entry} if published else {},
        subscribed={PLACE: SubscribedTable(schema_name="public", name="t", state="r")} if subscribed else {},
        subscription="sub",
    )


def codes(found: Definitions) -> list[tuple[str, bool]]:
    return [(each.code, each.breaks) for each in schema_differences(found)]


def test_equal_tables_have_no_difference() -> None:
    """Neither does a further column of the subscriber that may be NULL."""
    one = table(ID, NOTE)
    assert codes(both(side(one), side(one))) == []
    assert codes(both(side(one), side(table(ID, NOTE, column("own"))))) == []


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (both(side(table(ID)), side(None)), "table_missing"),
        (both(side(table(ID)), side(table(ID)), subscribed=False), "table_not_subscribed"),
        (both(side(table(ID)), side(table(ID)), published=False), "table_not_published"),
        (both(side(table(ID)), side(table(ID)), actions=("insert", "truncate", "update")), "deletes_not_published"),
        (both(side(table(ID, NOTE)), side(table(ID))), "column_missing"),
        (both(side(table(ID)), side(table(ID, column("site", not_null=True)))), "column_required"),
        (both(side(table(ID, NOTE)), side(table(ID, column("note", "text", not_null=True)))), "not_null_on_subscriber"),
        (
            both(side(table(ID, NOTE)), side(table(ID, column("note", "text", generated="s")))),
            "generated_on_subscriber",
        ),
        (both(side(table(ID)), side(table(ID), {"uniques": ("note",)})), "unique_on_subscriber"),
        (both(side(table(ID)), side(table(ID), {"checks": ("CHECK (id > 0)",)})), "check_on_subscriber"),
        (both(side(table(ID, key=())), side(table(ID))), "identity_missing"),
        (both(side(table(ID)), side(table(ID, key=()))), "identity_not_on_subscriber"),
    ],
)
def test_what_breaks_replication(found: Definitions, code: str) -> None:
    """Each is one difference, and breaks it."""
    assert codes(found) == [(code, True)]


def test_what_is_no_difference() -> None:
    """A default gives what is not published, a column list leaves out what the subscriber lacks, FULL needs no key."""
    required = table(ID, column("site", not_null=True))
    assert codes(both(side(table(ID)), side(required, {"defaults": ("site",)}))) == []
    assert codes(both(side(table(ID, NOTE)), side(table(ID)), columns=("id",))) == []
    assert codes(both(side(table(ID, key=(), identity="f")), side(table(ID, key=())))) == []
    inserts = both(side(table(ID, key=())), side(table(ID, key=())), actions=("insert",))
    assert "identity_missing" not in {code for code, _ in codes(inserts)}
    same = {"uniques": ("note",), "checks": ("CHECK (id > 0)",)}
    assert codes(both(side(table(ID), same), side(table(ID), same))) == []


def test_a_trigger_is_mentioned() -> None:
    """It may be meant."""
    assert codes(both(side(table(ID)), side(table(ID), {"triggers": ("audit",)}))) == [
        ("trigger_fires_on_apply", False)
    ]


@pytest.mark.parametrize(
    ("up", "down", "narrower"),
    [
        (("int4",), ("int8",), False),
        (("int8",), ("int4",), True),
        (("int4",), ("numeric",), False),
        (("int4",), ("numeric", "numeric(4,0)"), True),
        (("int4",), ("text",), False),
        (("text",), ("int4",), True),
        (("float8",), ("int8",), True),
        (("varchar", "character varying(10)"), ("varchar", "character varying(40)"), False),
        (("varchar", "character varying(40)"), ("varchar", "character varying(10)"), True),
        (("varchar", "character varying(40)"), ("varchar",), False),
        (("text",), ("varchar", "character varying(40)"), True),
        (("numeric", "numeric(12,2)"), ("numeric", "numeric(14,2)"), False),
        (("numeric", "numeric(12,2)"), ("numeric", "numeric(12,3)"), True),
        (("numeric", "numeric(12,2)"), ("numeric", "numeric(12,1)"), True),
    ],
)
def test_types(up: tuple[str, ...], down: tuple[str, ...], narrower: bool) -> None:
    """Whether every value of the publisher fits."""
    assert is_narrower(column("c", *up), column("c", *down)) is narrower


def sequence(value: int | None, *, used: bool = True, **more: Any) -> SequenceState:
    use = SequenceUse(schema_name="public", table_name="t", column_name="id")
    return SequenceState(schema_name="public", name="s", value=value, used_by=(use,) if used else (), **more)


@pytest.mark.parametrize(
    ("up", "down", "behind"),
    [
        (sequence(70), sequence(1), [1]),
        (sequence(70), sequence(None), [None]),
        (sequence(70), None, [None]),
        (sequence(70), sequence(70), []),
        (sequence(70), sequence(90), []),
        (sequence(None), sequence(None), []),
        (sequence(-70, increment=-1), sequence(-1, increment=-1), [-1]),
        (sequence(-70, increment=-1), sequence(-90, increment=-1), []),
        (sequence(70, cycles=True), sequence(1, cycles=True), []),
        (sequence(70), sequence(None, readable=False), []),
        (sequence(70, used=False), sequence(1, used=False), [1]),
        (sequence(70, used=False), None, []),
    ],
)
def test_sequences(up: SequenceState, down: SequenceState | None, behind: list[int | None]) -> None:
    """One that may not be read is not behind; one that nobody uses may be missing on the subscriber."""
    one = table(ID)
    found = both(side(one, s=up), side(one, **({"s": down} if down is not None else {})))
    assert [each.downstream_value for each in sequences_behind(found)] == behind


def test_sequences_of_other_tables() -> None:
    """A table that is not published has its own sequence."""
    one = table(ID, keys=(TableKey(columns=("id",), is_primary=True),))
    found = both(side(one, s=sequence(70)), side(one, s=sequence(1)), published=False)
    assert sequences_behind(found) == []
