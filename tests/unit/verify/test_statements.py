"""The statements about one table."""

from leadline_verify.column_hash import column_hash, row_hash
from leadline_verify.key_choice import ChosenKey, KeyColumn
from leadline_verify.plan import TablePlan, plan_physical
from leadline_verify.statements import Statements
from tests.unit.verify.builders import column, facts, table

PLAIN = table(column("id"), column("k0", "text"), key=("id", "k0"))


def plan(**more: object) -> TablePlan:
    (found,) = plan_physical((facts(), facts()), [PLAIN], [PLAIN])
    assert isinstance(found, TablePlan)
    return found


def test_both_ends_are_open_and_bounds_are_half_open() -> None:
    made = Statements(plan(), "upstream")
    assert " WHERE " not in made.digest(None, None)
    first = made.digest(None, ("1", "it's"))
    assert first.endswith("""WHERE ((t."id", t."k0") <= ('1'::integer, 'it''s'::text))""")
    assert made.digest(("1", "it's"), None).endswith("""WHERE ((t."id", t."k0") > ('1'::integer, 'it''s'::text))""")


def test_a_bound_is_found_in_the_order_of_the_key() -> None:
    """A bare name after ORDER BY means the output column, which is the text: '10' would come before '9'."""
    assert Statements(plan(), "upstream").bound(None, 100) == (
        'SELECT k0::text, k1::text FROM (SELECT t."id" AS k0, t."k0" AS k1 FROM ONLY "public"."t" AS t '
        'ORDER BY t."id", t."k0" OFFSET 99 LIMIT 1) x'
    )


def test_a_key_that_orders_by_bytes_does_so_in_ranges_and_is_found_as_it_is() -> None:
    part = KeyColumn(name="id", upstream_type="mood", downstream_type="public.mood", by_bytes=True)
    ordered = TablePlan(
        upstream=PLAIN, downstream=PLAIN, columns=(), way="key", key=ChosenKey(columns=(part,)), major=18
    )
    made = Statements(ordered, "downstream")
    assert """(t."id"::text COLLATE "C")) > ('sad')""" in made.digest(("sad",), None)
    assert """"id" IN ('sad'::public.mood)""" in made.rows_of([("sad",)])


def test_each_column_has_its_seed_and_null_is_a_constant_of_its_own() -> None:
    """Nested seeds lose what follows a NULL; one seed lets values swapped between columns cancel out."""
    hashed = row_hash([column_hash(column(name), seed, 18) for seed, name in enumerate("ab", 1)], 0)
    assert hashed == (
        'hashint4extended(0, coalesce(hashint4extended("a", 1), 1001) # coalesce(hashint4extended("b", 2), 1002))'
    )


def test_no_hash_function_that_folds_its_argument_is_used() -> None:
    """hashint8extended, and what calls it, hash 32 bits: -1 and 4294967295 have one hash.

    hashint8 in src/backend/access/hash/hashfunc.c of PostgreSQL.
    """
    folding = ("hashint8extended", "time_hash", "timestamp_hash", "timestamptz_hash", "timetz_hash", "interval_hash")
    for base in ("int8", "time", "timetz", "timestamp", "timestamptz", "interval", "money", "pg_lsn", "xid8"):
        for major in (15, 18):
            hashed = row_hash([column_hash(column("a", base), 1, major)], 0)
            assert not any(name in hashed for name in folding), hashed


def test_a_secret_seed_is_in_every_hash() -> None:
    """Also where it is larger than the integer that the function takes, and where the hash is a constant."""
    seed = (1 << 40) + 7
    assert column_hash(column("a", "int8"), seed, 18) == f'hashint4extended(7, ("a") # {seed})'
    assert column_hash(column("a", "bool"), seed, 18) != column_hash(column("a", "bool"), 7, 18)


def test_functions_are_those_that_the_older_server_has() -> None:
    for base, newer, older in (
        ("timestamptz", "hashbyteaextended(timestamptz_send", "encode(timestamptz_send"),
        ("bytea", "hashbyteaextended", "sha256"),
    ):
        assert newer in column_hash(column("a", base), 1, 18)
        assert older in column_hash(column("a", base), 1, 17)


def test_texts_of_two_encodings_are_compared_in_one() -> None:
    assert "convert_to" in column_hash(column("a", "text"), 1, 18, one_encoding=False)
    assert "convert_to" not in column_hash(column("a", "int8"), 1, 18, one_encoding=False)
