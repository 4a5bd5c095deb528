"""Which tables are compared and by which key, and why others are not."""

import pytest

from leadline.errors import UsageError
from leadline_verify.catalog import PublicationEntry, merged
from leadline_verify.column_match import UnequalColumns, match_columns
from leadline_verify.key_choice import choose_key
from leadline_verify.linking import FollowedBy, find_link
from leadline_verify.plan import WHOLE_TABLE_ROWS, NotComparable, Planned, TablePlan, plan_logical, plan_physical
from leadline_verify.selection import select
from leadline_verify.statements import Side, Statements
from leadline_verify.table_facts import CatalogTable, PublishedTable, SubscribedTable, TableKey
from tests.unit.verify.builders import column, facts, subscription, table

ALL = ("delete", "insert", "truncate", "update")
BOTH = (facts(), facts())
LINK = FollowedBy(kind="logical", subscription=subscription())


def sent(**more: object) -> PublishedTable:
    return PublishedTable(**{"schema_name": "public", "name": "t", "actions": ALL, **more})  # type: ignore[arg-type]


def taken(state: str = "r", subscriptions: int = 1) -> SubscribedTable:
    return SubscribedTable(schema_name="public", name="t", state=state, subscriptions=subscriptions)


def planned(
    up: CatalogTable,
    down: CatalogTable | None,
    published: PublishedTable | None = None,
    subscribed: SubscribedTable | None = None,
) -> Planned:
    (found,) = plan_logical(BOTH, [up], [down] if down else [], [published or sent()], [subscribed or taken()], LINK)
    return found


def reason(found: Planned) -> str:
    assert isinstance(found, NotComparable), found
    return found.reason


def way(found: Planned) -> TablePlan:
    assert isinstance(found, TablePlan), found
    return found


PLAIN = table(column("id"), column("a", "text"))


def test_a_table_of_a_subscription_is_compared_by_its_key() -> None:
    found = way(planned(PLAIN, PLAIN))
    assert (found.way, [each.name for each in found.columns]) == ("key", ["id", "a"])
    assert found.key is not None
    assert found.key.is_indexed


@pytest.mark.parametrize(
    ("published", "subscribed", "words"),
    [
        (sent(actions=("insert",)), taken(), "do not publish delete, update"),
        (sent(column_lists=2), taken(), "different column lists"),
        (sent(), taken("d"), "initial copy is not finished"),
        (sent(), taken(subscriptions=2), "several subscriptions write to it"),
        (sent(columns=("id", "b")), taken(), ""),
    ],
)
def test_a_table_that_differs_by_intent_is_not_compared(
    published: PublishedTable, subscribed: SubscribedTable, words: str
) -> None:
    found = planned(PLAIN, PLAIN, published, subscribed)
    if words:
        assert words in reason(found)
    else:
        assert [each.name for each in way(found).columns] == ["id"]


def test_a_table_that_only_one_side_has_is_named() -> None:
    assert reason(planned(PLAIN, None)) == "the downstream has no such table"
    (new,) = plan_logical(BOTH, [PLAIN], [PLAIN], [sent()], [], LINK)
    assert "ALTER SUBSCRIPTION sub REFRESH PUBLICATION" in reason(new)
    (old,) = plan_logical(BOTH, [PLAIN], [PLAIN], [], [taken()], LINK)
    assert "no publication of subscription sub" in reason(old)


def test_a_key_of_one_bigint_is_mixed_in_as_it_is() -> None:
    """On both sides; where it is an integer on one of them, its text is hashed on both, as that of any other column."""
    wide, narrow = (table(column("id", base), column("v")) for base in ("int8", "int4"))
    for down, expected in ((wide, 'coalesce("id", '), (narrow, 'coalesce(hashtextextended("id"::text ')):
        found = way(planned(wide, down))
        sides: tuple[Side, Side] = ("upstream", "downstream")
        for side in sides:
            assert expected in Statements(found, side).digest(None, None)
    two = table(column("id", "int8"), column("part", "int8"), key=("id", "part"))
    assert 'coalesce("' not in Statements(way(planned(two, two)), "upstream").digest(None, None)


def test_a_table_that_the_role_may_not_read_names_role_and_side() -> None:
    hidden = table(column("id"), column("a", "text"), readable=False)
    assert "leadline_verify may not read it on the downstream" in reason(planned(PLAIN, hidden))


def test_filters_of_several_subscriptions_say_whose_the_rows_are() -> None:
    found = way(planned(PLAIN, PLAIN, sent(row_filters=("(a > 1)", "(a < 0)")), taken(subscriptions=2)))
    assert found.row_filter == found.downstream_filter == "((a > 1)) OR ((a < 0))"
    alone = way(planned(PLAIN, PLAIN, sent(row_filters=("(a > 1)",))))
    assert (alone.row_filter, alone.downstream_filter) == ("((a > 1))", "")


def test_publications_add_up() -> None:
    def entry(row_filter: str | None, actions: tuple[str, ...], columns: tuple[str, ...] = ("id",)) -> PublicationEntry:
        return PublicationEntry(schema_name="s", name="t", row_filter=row_filter, actions=actions, columns=columns)

    (one,) = merged([entry("(a)", ("insert",)), entry("(b)", ("update",))])
    assert (one.row_filters, one.actions, one.column_lists) == (("(a)", "(b)"), ("insert", "update"), 1)
    (one,) = merged([entry("(a)", ("insert",)), entry(None, ("insert",), ("id", "a"))])
    assert (one.row_filters, one.column_lists) == (None, 2)


def test_without_a_key_a_standby_is_compared_by_place_and_a_subscriber_as_a_whole() -> None:
    bare = table(column("a", "text"), key=())
    assert way(planned(bare, bare)).way == "whole"
    (on_standby,) = plan_physical(BOTH, [bare], [bare])
    assert way(on_standby).way == "place"
    (before_14,) = plan_physical((facts(version_num=130023), facts(version_num=130023)), [bare], [bare])
    assert way(before_14).way == "whole"
    large = table(column("a", "text"), key=(), estimate=WHOLE_TABLE_ROWS + 1)
    assert "it has no key, and about 1,000,001 rows" in reason(planned(large, large))


def test_collations_that_sort_differently_order_by_bytes() -> None:
    """glibc 2.28 sorts other than 2.27: https://wiki.postgresql.org/wiki/Locale_data_changes."""
    old = table(column("id", "text", collation="c:en_US.UTF-8:2.27", plain_order=False))
    new = table(column("id", "text", collation="c:en_US.UTF-8:2.28", plain_order=False))
    key = choose_key(old, new, ["id"])
    assert key is not None
    assert (key.columns[0].by_bytes, key.is_indexed) == (True, False)
    same = choose_key(new, new, ["id"])
    assert same is not None
    assert (same.columns[0].by_bytes, same.is_indexed) == (False, True)
    (standby,) = plan_physical(BOTH, [old], [new])
    assert way(standby).way == "place"


def test_an_enum_as_a_key_orders_by_bytes() -> None:
    """Each server has its own order of an enum's values."""
    key = choose_key(table(column("id", "", "mood")), table(column("id", "", "mood")), ["id"])
    assert key is not None
    assert key.columns[0].by_bytes


def test_the_replica_identity_comes_before_the_primary_key_if_it_is_replicated() -> None:
    both = table(
        column("id"),
        column("code"),
        keys=(TableKey(columns=("code",), is_identity=True), TableKey(columns=("id",), is_primary=True)),
    )
    chosen = choose_key(both, both, ["id", "code"])
    assert chosen is not None
    assert chosen.columns[0].name == "code"
    other = choose_key(both, both, ["id"])
    assert other is not None
    assert other.columns[0].name == "id"


@pytest.mark.parametrize(
    ("up", "down", "comparable"),
    [
        (column("a", "int4"), column("a", "int8"), True),
        (column("a", "varchar", "character varying(10)"), column("a", "text"), True),
        (column("a", "int4"), column("a", "numeric"), True),
        (column("a", "int4"), column("a", "numeric", "numeric(12,2)"), False),
        (column("a", "numeric", "numeric(12,2)"), column("a", "numeric", "numeric(12,3)"), False),
        (column("a", "timestamptz", "timestamp with time zone"), column("a", "timestamp"), False),
        (column("a", "bpchar", "character(3)"), column("a", "text"), False),
        (column("a", "text"), column("a", "text", "public.email", is_domain=True), True),
        (column("a", "", "app.mood"), column("a", "", "public.mood"), True),
        (column("a", "json"), column("a", "jsonb"), False),
    ],
)
def test_types_that_differ_are_compared_where_their_texts_are_the_same(
    up: "column",
    down: "column",
    comparable: bool,  # type: ignore[valid-type]
) -> None:
    found = match_columns(table(up), table(down), ["a"])
    assert isinstance(found, UnequalColumns) is not comparable
    if isinstance(found, tuple):
        assert found[0].as_text


def test_a_column_that_the_downstream_lacks_is_named() -> None:
    found = match_columns(table(column("id"), column("b")), table(column("id")), ["id", "b"])
    assert found == UnequalColumns(reason="the downstream has no column b, which is replicated")


def test_tables_are_selected_by_name() -> None:
    found = plan_physical(BOTH, [PLAIN, table(column("id"), name="Order")], [PLAIN, table(column("id"), name="Order")])
    assert [each.upstream.name for each in map(way, select(found, ["public.Order"], None))] == ["Order"]
    assert len(select(found, [], "public")) == 2
    with pytest.raises(UsageError, match="did you mean Order"):
        select(found, ["Orders"], None)
    with pytest.raises(UsageError, match="--schema"):
        select(found, [], "sales")


def test_a_standby_follows_the_server_of_its_system_identifier() -> None:
    assert find_link(facts(), facts(in_recovery=True)).kind == "physical"
    assert find_link(facts(in_recovery=True), facts(in_recovery=True)).of_standbys
    with pytest.raises(UsageError, match="system identifiers differ"):
        find_link(facts(), facts(in_recovery=True, system_id="2"))
    with pytest.raises(UsageError, match="the databases differ"):
        find_link(facts(), facts(in_recovery=True, database="postgres"))
    with pytest.raises(UsageError, match="other way round"):
        find_link(facts(in_recovery=True), facts())


def test_the_slot_shows_which_subscription_is_meant() -> None:
    """Publications often have one name on all servers."""
    up = facts(publications=("pub",), slots=("b",))
    down = facts(system_id="2", subscriptions=(subscription("one", "a"), subscription("two", "b")))
    found = find_link(up, down)
    assert found.subscription is not None
    assert (found.kind, found.subscription.name, found.back) == ("logical", "two", None)
    with pytest.raises(UsageError, match="one, two; choose one with --subscription"):
        find_link(facts(publications=("pub",)), down)
    with pytest.raises(UsageError, match="does not follow the upstream"):
        find_link(facts(), down)
    with pytest.raises(UsageError, match="has no three; it has one, two"):
        find_link(up, down, "three")


def test_two_servers_that_subscribe_to_each_other() -> None:
    up = facts(publications=("pub",), slots=("a",), subscriptions=(subscription("back", "z"),))
    down = facts(system_id="2", publications=("pub",), slots=("z",), subscriptions=(subscription("forth", "a"),))
    found = find_link(up, down)
    assert (found.subscription, found.back) == (down.subscriptions[0], up.subscriptions[0])


def test_generated_columns_are_compared_where_they_are_sent() -> None:
    """On a standby those on disk are; before 18 a publication lists them and does not send them."""
    made = table(column("id"), column("kept", generated="s"), column("shown", generated="v"))
    every = sent(columns=("id", "kept"))
    names = {
        major: [each.name for each in way(found).columns]
        for major in (15, 18)
        for found in plan_logical((facts(version_num=major * 10000), facts()), [made], [made], [every], [taken()], LINK)
    }
    assert names == {15: ["id"], 18: ["id", "kept"]}
    (on_standby,) = plan_physical(BOTH, [made], [made])
    assert [each.name for each in way(on_standby).columns] == ["id", "kept"]
