"""Values, keys and tables that are rare are compared as well, or are refused with one line."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.verified import RARER, admit, verifier, verify

ROWS = (
    """INSERT INTO rare_types SELECT g, 'a & b:*', '08:00:2b:01:02:03:04:05', '{1,2,3}',
    '[(0,0),(1,1)]', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),1>', '$.a[*] ? (@ > 1)', '{[1,3),[7,9)}',
    '{[1.0,2.5]}', '10:20:10,14', 'pg_class', 'int4',
    ROW(ROW(1, 1.0)::inner_pair, '{a,NULL}')::outer_pair, '{"(1,2.50)"}'::inner_pair[],
    '[08:00,12:00)', '{a,b}', 'ab', '{{1,2},{3,4}}', '{1 day,24:00:00}', '[1.0,2.00)', '[2026-01-01,2026-02-01)',
    'c', B'1010101', '{abc,d}', 1.5, 12345 FROM generate_series(1, 40) g""",
    "INSERT INTO rare_types (id) VALUES (100)",
    """INSERT INTO extremes VALUES (1, 'Infinity', 'infinity', 'infinity', '-infinity', 'Infinity', 'infinity'),
    (2, '-Infinity', '-infinity', '-infinity', 'infinity', '-Infinity', '-infinity'),
    (3, 'NaN', '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4714-11-24 00:00:00+00 BC', 'NaN', '-178000000 years'),
    (4, 1e-16000, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', 5e-324, '0'),
    (5, 1e130000, '2000-01-01', '2000-02-29', '2026-03-29 02:30:00+01', 1.7976931348623157e308, '-00:00:00.000001')""",
    "INSERT INTO by_numeric VALUES ('NaN', 1), (1.50, 2), (-1e50, 3), (0, 4), ('Infinity', 5)",
    "INSERT INTO by_float VALUES ('NaN', 1), ('-0', 2), ('Infinity', 3), (1e-300, 4), (0.1, 5)",
    "INSERT INTO by_bytes SELECT decode(lpad(to_hex(g), 4, '0'), 'hex'), g FROM generate_series(0, 299) g",
    "INSERT INTO by_address SELECT '10.0.0.0'::inet + g, g FROM generate_series(0, 299) g",
    "INSERT INTO by_interval SELECT g * interval '1 day 1 second', g FROM generate_series(1, 150) g",
    "INSERT INTO by_range SELECT int4range(g, g + 2), g FROM generate_series(1, 150) g",
    "INSERT INTO by_array SELECT ARRAY[g % 3, g], g FROM generate_series(1, 150) g",
    """INSERT INTO by_json SELECT ('{"k": ' || g || ', "s": "''q"}')::jsonb, g FROM generate_series(1, 150) g""",
    "INSERT INTO by_domain SELECT 'a' || g % 100, g > 50, g FROM generate_series(1, 90) g",
    "INSERT INTO t SELECT g, 'x', 'y' FROM generate_series(1, 150) g",
    "INSERT INTO late_column SELECT g FROM generate_series(1, 150) g",
    "INSERT INTO hashed (id, b) SELECT g, 'b' || g FROM generate_series(1, 200) g",
    """INSERT INTO "Üñí-çødé" SELECT g, '𝄞 ' || g FROM generate_series(1, 150) g""",
    "INSERT INTO empty_or_null VALUES (1, '', '', '{}'), (2, NULL, NULL, NULL), (3, ' ', '\\x00', '{NULL}')",
    "INSERT INTO outside SELECT g, repeat(md5(g::text), 1000), repeat('z', 100000) FROM generate_series(1, 10) g",
    "INSERT INTO widest (id, c1, c1500) SELECT g, 'a', 'z' FROM generate_series(1, 150) g",
)
CHANGES = {
    "tsq": "'a & b'", "mac8": "'08:00:2b:01:02:03:04:06'", "ln": "'{1,2,4}'",
    "sg": "'[(1,1),(0,0)]'", "pth": "'((0,0),(1,1))'", "pol": "'((0,0),(1,1),(2,1))'", "cir": "'<(0,0),2>'",
    "jp": "'$.a[*] ? (@ > 2)'", "mr": "'{[1,3),[7,10)}'", "nmr": "'{[1.00,2.5]}'", "snap": "'10:20:10,15'",
    "rc": "'pg_type'", "rt": "'int8'",
    "op": "ROW(ROW(1, 1.00)::inner_pair, '{a,NULL}')::outer_pair", "opa": """'{"(1,2.5)"}'""",
    "hr": "'[08:00,12:00]'", "tg": "'{b,a}'", "cd": "'abc'", "cube2": "'{1,2,3,4}'", "iva": "'{24:00:00,1 day}'",
    "nr": "'[1.00,2.00)'", "dr": "'[2026-01-01,2026-02-02)'", "va": "'d'", "vx": "B'10101010'", "bpa": "'{abc,e}'",
    "lo": "1.5000000001", "neg": "12400",
}  # fmt: skip
OTHERS = {
    "UPDATE extremes SET n = '-Infinity', iv = 'infinity' WHERE id = 2": ("extremes", "2", "changed", ("iv",)),
    "UPDATE extremes SET d = '4713-01-02 BC' WHERE id = 3": ("extremes", "3", "changed", ("d",)),
    "UPDATE by_numeric SET v = 0 WHERE id = 'NaN'": ("by_numeric", "NaN", "changed", ("v",)),
    "UPDATE by_float SET v = 0 WHERE id = 'NaN'": ("by_float", "NaN", "changed", ("v",)),
    "DELETE FROM by_bytes WHERE v = 255": ("by_bytes", "\\x00ff", "missing", ()),
    "DELETE FROM by_address WHERE v = 99": ("by_address", "10.0.0.99/32", "missing", ()),
    "UPDATE by_interval SET v = 0 WHERE v = 77": ("by_interval", "77 days 00:01:17", "changed", ("v",)),
    "UPDATE by_range SET v = 0 WHERE v = 77": ("by_range", "[77,79)", "changed", ("v",)),
    "UPDATE by_array SET v = 0 WHERE v = 77": ("by_array", "{2,77}", "changed", ("v",)),
    "UPDATE by_json SET v = 0 WHERE v = 77": ("by_json", """{"k": 77, "s": "'q"}""", "changed", ("v",)),
    "UPDATE by_domain SET v = 0 WHERE v = 77": ("by_domain", "true,a77", "changed", ("v",)),
    "UPDATE t SET \"t.\" = 'z' WHERE t.t = 77": ("t", "77", "changed", ("t.",)),
    "UPDATE late_column SET later = 0 WHERE id = 77": ("late_column", "77", "changed", ("later",)),
    "UPDATE \"Üñí-çødé\" SET \"値 'x'\" = '𝄢 77' WHERE \"ключ\" = 77": (
        *("Üñí-çødé", "77", "changed"), ("値 'x'",)),
    "UPDATE empty_or_null SET a = '' WHERE id = 2": ("empty_or_null", "2", "changed", ("a",)),
    "UPDATE empty_or_null SET c = '{}' WHERE id = 3": ("empty_or_null", "3", "changed", ("c",)),
    "UPDATE outside SET v = overlay(v PLACING '-' FROM 31999) WHERE id = 5": ("outside", "5", "changed", ("v",)),
    "UPDATE widest SET c1499 = 'y' WHERE id = 77": ("widest", "77", "changed", ("c1499",)),
}  # fmt: skip


class Servers(NamedTuple):
    up: Server
    standby: Server
    subscriber: Server


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Fleet() as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(up)
        up.query("CREATE DATABASE app")
        up.query(RARER.read_text(), dbname="app")
        up.execute(*ROWS, dbname="app")
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        standby = fleet.standby("pg-2", up)
        subscriber = fleet.subscriber("pg-3", up, schema=RARER.read_text())
        admit(subscriber)
        fleet.wait_caught_up(60)
        # A column with a default that no stored row has; each side filled it in at another time.
        for server in (subscriber, up):
            server.query("ALTER TABLE late_column ADD COLUMN later int NOT NULL DEFAULT 5", dbname="app")
        fleet.wait_caught_up(60)
        yield Servers(up, standby, subscriber)


def test_what_few_people_store_is_equal_where_it_is(run: Run, servers: Servers) -> None:
    """Types, keys of any type, extremes, names, 1,501 columns, partitions with other columns than their root."""
    for down in (servers.standby, servers.subscriber):
        found = verify(run, verifier(servers.up), verifier(down), "--chunk", 100)
        assert (found.rows, set(found.states.values()), found.result.code) == ([], {"equal"}, 0), found.result
        assert found.tables["public.by_json"]["rows_downstream"] == 150
        assert found.tables["public.hashed_1"]["rows_downstream"] > 50


BYTES = (
    "CREATE TABLE by_any_text (id text PRIMARY KEY, v text)",
    r"INSERT INTO by_any_text SELECT E'\xff' || g, E'caf\xe9' FROM generate_series(1, 150) g",
    "CREATE TABLE no_column ()",
    "INSERT INTO no_column DEFAULT VALUES",
    "CREATE TABLE made (id int PRIMARY KEY, kept int GENERATED ALWAYS AS (id * 2) STORED)",
    "ALTER TABLE made ADD COLUMN shown int GENERATED ALWAYS AS (id * 3) VIRTUAL",
    "INSERT INTO made SELECT g FROM generate_series(1, 150) g",
)


def test_a_database_that_holds_bytes_of_no_encoding(run: Run, servers: Servers) -> None:
    """SQL_ASCII: keys that are no UTF-8 are not read, but their places; columns that are not stored are left out."""
    servers.up.query("CREATE DATABASE raw ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    servers.up.execute(*BYTES, dbname="raw")
    eventually("it is there", lambda: servers.standby.value("SELECT 1 FROM pg_database WHERE datname = 'raw'"))
    up, down = (verifier(each, "raw") for each in (servers.up, servers.standby))
    found = verify(run, up, down, "--chunk", 100)
    assert (found.rows, set(found.states.values()), found.result.code) == ([], {"equal"}, 0), found.result


def test_the_smallest_change_of_each_is_found(run: Run, servers: Servers) -> None:
    """By its key and column."""
    down = servers.subscriber
    for at, (name, value) in enumerate(CHANGES.items(), 1):
        down.query(f"UPDATE rare_types SET {name} = {value} WHERE id = {at}", dbname="app")
    down.execute(*OTHERS, dbname="app")
    found = verify(run, verifier(servers.up), verifier(down), "--chunk", 100)
    expected = {("rare_types", str(at), "changed", (name,)) for at, name in enumerate(CHANGES, 1)}
    assert found.found == expected | set(OTHERS.values())
