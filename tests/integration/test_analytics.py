"""The views of deploy/analytics and every statement of the how-to, in DuckDB and in chDB, over files of the writer."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chdb.session import Session
from msgspec.structs import replace

from leadline.model.incident import Affected
from leadline.wire import ALERTS, INCIDENTS, LAG, STATUS, encode
from leadline_sinks.parquet.archive_folder import ArchiveFolder
from leadline_sinks.parquet.pending_file import PendingFile
from leadline_sinks.parquet.table_rows import RawRecord
from tests.unit.cli.test_query_columns import example

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/analyse.md"
STATEMENTS = dict(re.findall(r"^## \d+\. ([^\n]+)\n(?:(?!^## ).)*?```sql\n(.*?)```", PAGE.read_text(), re.M | re.S))
AT = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Rows = list[list[Any]]
NUMBERS = count()

pytestmark = pytest.mark.integration


def records() -> dict[str, list[tuple[str, bytes | None]]]:
    """Twenty minutes over the end of a month, of which one has no roll-up and one no lag; and what happened in them."""
    lag = replace(example("lag"), cluster="orders", link="orders/a->b", window_s=60.0, verdict="healthy", lag_max_s=1.0)
    minutes = [
        replace(lag, start=AT + at * MINUTE, end=AT + (at + 1) * MINUTE, lag_max_s=lag_s, verdict=verdict)
        for at, lag_s, verdict in (
            *((at, 1.0, "healthy") for at in range(12)),
            *((at, 300.0, "falling_behind") for at in range(12, 15)),
            (15, None, "unknown"),
            *((at, 2.0, "idle") for at in range(17, 20)),
        )
    ]
    brief = replace(lag, window_s=10.0, start=AT, end=AT + MINUTE / 6)
    opened = AT + 12 * MINUTE
    incident = replace(
        example("incidents"),
        incident_id="inc_1",
        cluster="orders",
        seq=1,
        state="open",
        severity="critical",
        opened_at=opened,
        detected_at=opened + timedelta(seconds=30),
        cause_at=None,
        resolved_at=None,
        causes=[],
        merged_into=None,
        parent=None,
        class_="page",
        affected=Affected(links=["orders/a->b", "orders/a->c"]),
    )
    (cause,) = example("incidents").causes[:1]
    known = replace(incident, seq=2, causes=[replace(cause, code="wal_burst")], cause_at=opened + timedelta(seconds=45))
    ended = replace(known, seq=3, state="resolved", resolved_at=opened + timedelta(hours=2))
    others = [
        replace(incident, incident_id="inc_2", state="resolved", severity="warning", resolved_at=opened + 30 * MINUTE),
        replace(ended, incident_id="inc_3", merged_into="inc_1"),
        replace(ended, incident_id="inc_4", class_="notice"),
    ]
    link = replace(example("links"), cluster="orders", link="orders/a->b", verdict="healthy", since=AT, lag_s=0.5)
    node = replace(example("nodes"), cluster="orders")
    alert = example("alerts")
    return {
        LAG.name: [("orders", encode(each)) for each in (*minutes, brief, minutes[0])] + [("orders", b"no value")],
        INCIDENTS.name: [(each.incident_id, encode(each)) for each in (incident, known, ended, known, *others)],
        ALERTS.name: [("orders", encode(alert)), ("orders", encode(alert)), ("orders", encode(replace(alert, seq=99)))],
        STATUS.name: [
            *(("orders/a->b", encode(replace(link, verdict=verdict))) for verdict in ("healthy", "cut_off")),
            ("orders/a->c", encode(replace(link, link="orders/a->c"))),
            ("orders/a->c", None),
            ("orders/a", encode(node)),
        ],
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the writer: two of each topic, on two days."""
    return written_to(tmp_path_factory.mktemp("analytics") / "leadline")


def written_to(path: Path) -> Path:
    folder = ArchiveFolder(path)
    for topic, written in records().items():
        half = len(written) // 2
        for begin, part, day in ((0, written[:half], AT), (half, written[half:], AT + timedelta(days=1))):
            pending = PendingFile(topic, 0, begin)
            for offset, (key, value) in enumerate(part, begin):
                pending.add(RawRecord(offset, int(day.timestamp() * 1000), key.encode(), value))
            folder.write(pending)
    folder.close()
    return path


def plain(value: Any) -> Any:
    """A cell in a form that both engines have: times as their date and time, numbers as numbers."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC) if value.tzinfo else value
        return plain(value.isoformat(" ", "seconds")[:19])
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d( 00:00:00(\.0+)?)?", value):
        return value[:10]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", value):
        return value[:19]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def duck(files: Path) -> Callable[[str], Rows]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET VARIABLE leadline = '{files}'")
    connection.execute((ROOT / "deploy/analytics/duckdb.sql").read_text())
    return lambda sql: [list(map(plain, row)) for row in connection.execute(sql).fetchall()]


def house(files: Path) -> Callable[[str], Rows]:
    session = Session()
    text = (ROOT / "deploy/analytics/clickhouse.sql").read_text().replace("'leadline/", f"'{files}/")
    database = f"analytics_{next(NUMBERS)}"  # all sessions of a process have the same databases
    session.query(f"CREATE DATABASE {database}")
    session.query(f"USE {database}")
    for statement in re.sub(r"^--.*$", "", text, flags=re.M).split(";"):
        if statement.strip():
            session.query(statement)

    def ask(sql: str) -> Rows:
        session.query(f"USE {database}")
        answer = str(session.query(sql, "JSONCompactEachRow"))
        return [list(map(plain, json.loads(line))) for line in answer.splitlines() if line]

    return ask


@pytest.fixture(scope="module", params=[duck, house], ids=["duckdb", "chdb"])
def ask(request: pytest.FixtureRequest, files: Path) -> Callable[[str], Rows]:
    answer: Callable[[str], Rows] = request.param(files)
    return answer


EXPECTED: dict[str, Rows] = {
    "Service level of the lag, by cluster and month": [
        ["orders", "2026-03-01", 10.0, 10.0, 0.0, 100.0],
        ["orders", "2026-04-01", 9.0, 5.0, 1.0, 62.5],
    ],
    "How much of the time was seen": [["orders/a->b", 19.0, 20.0, 95.0]],
    "Time to detect and time to cause": [["orders", "2026-04-01", 2.0, 30.0, 45.0, 75.0, 1.0]],
    "The worst links": [["orders/a->b", 3.0, 300.0, 4.0]],
    "The cost of incidents, by cause": [
        ["wal_burst", 1.0, 2.0, 2.0, 1000.0],
        ["not known", 1.0, 0.5, 2.0, 50.0],
    ],
    "What is wrong now, without Leadline": [["orders/a->b", "cut_off", "2026-03-31 23:50:00", 0.5]],
}


def test_every_statement_of_the_page_is_tested() -> None:
    assert set(STATEMENTS) == set(EXPECTED)
    assert PAGE.read_text().count("```sql") == len(EXPECTED)


@pytest.mark.parametrize("title", EXPECTED)
def test_statements_of_the_page(ask: Callable[[str], Rows], title: str) -> None:
    """Each has the same answer in both engines, which is right: computed by hand from the records."""
    assert ask(STATEMENTS[title]) == EXPECTED[title]


@pytest.mark.parametrize(("view", "rows"), [("lag", 20), ("incidents", 4), ("alerts", 2), ("status", 2)])
def test_views_have_each_record_once(ask: Callable[[str], Rows], view: str, rows: int) -> None:
    """Not twice what Kafka has twice, the newest of what is replaced, nothing of what is removed or is no value."""
    assert ask(f"SELECT count(*) FROM {view}") == [[float(rows)]]


def without(kind: Any, name: str) -> Any:
    """A type without a field of its structures, however deep."""
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return pa.struct([pa.field(each.name, without(each.type, name)) for each in fields if each.name != name])
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, without(kind.item_type, name))
    return pa.list_(without(kind.value_type, name)) if pa.types.is_list(kind) else kind


def cut(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: cut(each, name) for key, each in value.items() if key != name}
    return [cut(each, name) for each in value] if isinstance(value, list) else value


COLUMNS = {"lag": "transactions_last", "incidents": "silent_datacenters", "alerts": "labels", "status": "write_rate"}
"""Of each topic, a column that a version before this one may not have had."""


@pytest.mark.parametrize("older", ["2026-03-31", "2026-04-01"])
@pytest.mark.parametrize("engine", [duck, house], ids=["duckdb", "chdb"])
def test_files_of_two_versions(tmp_path: Path, engine: Callable[[Path], Callable[[str], Rows]], older: str) -> None:
    """One that has neither all columns, nor all fields of structures, whichever file an engine looks at first:
    ClickHouse takes the columns of one file, and its union of them refuses a structure with another field
    (ClickHouse/ClickHouse issues 55463 and 44267); DuckDB did so until 1.3 (duckdb/duckdb issues 7908 and 15375)."""
    path = written_to(tmp_path / "leadline")
    for topic, column in COLUMNS.items():
        for file in path.glob(f"{topic}/day={older}/*.parquet"):
            table = pq.read_table(file, partitioning=None).drop_columns([column])
            kinds = pa.schema([pa.field(each.name, without(each.type, "steps")) for each in table.schema])
            rows = [cut(row, "steps") for row in table.to_pylist()]
            pq.write_table(pa.Table.from_pylist(rows, schema=kinds), file)
    ask = engine(path)
    assert [ask(f"SELECT count(*) FROM {view}") for view in COLUMNS] == [[[20.0]], [[4.0]], [[2.0]], [[2.0]]]
    for title, expected in EXPECTED.items():
        assert ask(STATEMENTS[title]) == expected
    assert ask(f"SELECT count({COLUMNS['lag']}) FROM lag") != [[20.0]]


@pytest.mark.parametrize("view", ["incidents", "alerts"])
def test_both_engines_have_the_same(files: Path, view: str) -> None:
    """A column whose type is written down for one of them is not lost by a slip of the pen."""
    one, other = duck(files), house(files)
    names = [row[0] for row in one(f"DESCRIBE {view}")]
    shown = ", ".join(f'"{name}"' for name in names)
    assert one(f"SELECT {shown} FROM {view} ORDER BY 1, 2, 5") == other(f"SELECT {shown} FROM {view} ORDER BY 1, 2, 5")
