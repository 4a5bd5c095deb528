"""The columns and the filters of `leadline query`."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import fields, replace

from leadline.wire import ALERTS, INCIDENTS, LAG, STATUS
from leadline_cli.query_columns import _MADE, _TYPES, COLUMNS, Filters, cells, csv_lines, matches
from leadline_cli.query_text import HEADINGS, shown
from tests.unit.test_wire import EXAMPLES

KINDS = {"lag": LAG, "incidents": INCIDENTS, "alerts": ALERTS, "links": STATUS, "nodes": STATUS}


def example(what: str) -> Any:
    return next(value for codec, value in EXAMPLES.values() if codec is KINDS[what] and isinstance(value, _TYPES[what]))


@pytest.mark.parametrize("what", COLUMNS)
def test_columns_are_fields(what: str) -> None:
    """Each heading is a field of the record, or made of one; none is there twice; a row has as many cells."""
    known = {field.name for field in fields(_TYPES[what])} | set(_MADE)
    assert set(COLUMNS[what]) - known == set()
    assert len(set(COLUMNS[what])) == len(COLUMNS[what])
    assert len(cells(what, example(what))) == len(COLUMNS[what])


def test_not_known_is_empty_and_zero_is_zero() -> None:
    """A lag that is not known is no number; a time is as on the wire."""
    link = replace(example("links"), lag_s=None, behind=0, connected=False, at=datetime(2026, 4, 10, 10, tzinfo=UTC))
    row = dict(zip(COLUMNS["links"], cells("links", link), strict=True))
    assert (row["lag_s"], row["behind"], row["connected"]) == ("", "0", "false")
    assert row["at"] == "2026-04-10T10:00:00.000Z"


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_a_hostile_name_is_no_formula(name: str) -> None:
    """A spreadsheet takes it for text (OWASP, CSV Injection, with line feeds and the wide forms, which spreadsheets in
    Japanese take for the narrow ones); a negative number stays one."""
    node = replace(example("nodes"), node=name, write_rate=-1.5)
    row = dict(zip(COLUMNS["nodes"], cells("nodes", node), strict=True))
    assert row["node"] == f"'{name}"
    assert row["write_rate"] == "-1.5"


@pytest.mark.parametrize("name", ['a,"b"\nc\ud800', "a\rb", "a\r\nb", '"', ",", " a ", "", "a\0b", "ü|;\t"])
def test_any_name_can_be_read_again(name: str) -> None:
    """Commas, quotes, line ends and what is no Unicode; each row ends with a line feed. A carriage return alone was the
    end of a row (pandas-dev/pandas issue 10018, aimasteracc/tree-sitter-analyzer pull request 381, harelba/q issue
    144)."""
    file = io.StringIO(newline="")
    put = csv_lines(file.write)
    put(COLUMNS["nodes"])
    put(cells("nodes", replace(example("nodes"), node=name)))
    headings, row = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert headings == list(COLUMNS["nodes"])
    assert row[COLUMNS["nodes"].index("node")] == name.replace("\ud800", "\\ud800")
    assert file.getvalue().endswith("\n")
    assert "\r" not in file.getvalue().replace(name, "")


AT = datetime(2026, 4, 10, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_roll_ups_of_one_window_and_time() -> None:
    """One that lies partly between the two times is among them."""
    rollup = replace(example("lag"), window_s=60.0, start=AT, end=AT + timedelta(seconds=60))
    assert matches("lag", rollup, Filters())
    assert not matches("lag", rollup, Filters(window_s=10.0))
    assert matches("lag", rollup, Filters(since=AT + timedelta(seconds=30), until=AT + HOUR))
    assert not matches("lag", rollup, Filters(since=AT + HOUR))
    assert not matches("lag", rollup, Filters(until=AT - HOUR))


def test_incidents_that_were_open_then() -> None:
    """One that goes on was open until now."""
    incident = replace(example("incidents"), opened_at=AT, resolved_at=None, state="open", rules=["replication_lag"])
    assert matches("incidents", incident, Filters(since=AT + 1000 * HOUR, state="open"))
    ended = replace(incident, resolved_at=AT + HOUR, state="resolved")
    assert matches("incidents", ended, Filters(since=AT + HOUR))
    assert not matches("incidents", ended, Filters(since=AT + 2 * HOUR))
    assert not matches("incidents", ended, Filters(state="open"))
    assert matches("incidents", ended, Filters(rule="*_lag"))
    assert not matches("incidents", ended, Filters(rule="node_down"))


def test_patterns() -> None:
    """Either end of a link; a link among alerts is one that they are about."""
    link = replace(example("links"), cluster="orders", link="orders/pg-1->pg-2", upstream="pg-1", downstream="pg-2")
    assert matches("links", link, Filters(cluster="ord*", node="pg-1", link="orders/*"))
    assert not matches("links", link, Filters(node="pg-3"))
    assert not matches("nodes", link, Filters())
    alert = example("alerts")
    about = replace(alert.subject, kind="node", id="orders/pg-1", node="pg-1", upstream=None, downstream=None)
    assert matches("alerts", replace(alert, subject=about), Filters(node="pg-*"))
    assert not matches("alerts", replace(alert, subject=about), Filters(link="orders/*"))


@pytest.mark.parametrize("what", COLUMNS)
def test_a_row_for_people_has_a_cell_for_each_heading(what: str) -> None:
    """Numbers have units, and an unknown lag is a dash or a question mark, never 0."""
    row = dict(zip(HEADINGS[what], shown(example(what)), strict=True))
    assert all(row.values())
    if what == "links":
        assert dict(zip(HEADINGS[what], shown(replace(example(what), lag_s=None)), strict=True))["lag"] in ("-", "?")
