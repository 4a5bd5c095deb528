"""Whatever is on the topics, the commands that print it go on with the next record."""

import contextlib
import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from leadline import wire
from leadline.errors import BadRecord
from leadline_cli.query_columns import _TYPES, COLUMNS, Filters, cells, csv_lines, matches
from leadline_lab.view.fleet import FleetView
from leadline_lab.view.show import Lines
from leadline_lab.view.terminal import render
from tests.fixtures.wire_extremes import WireExtremes
from tests.unit.properties import histories, length

NOW = datetime(2026, 4, 10, 10, tzinfo=UTC)
TABLES = {
    "links": wire.STATUS,
    "nodes": wire.STATUS,
    "lag": wire.LAG,
    "incidents": wire.INCIDENTS,
    "alerts": wire.ALERTS,
}


@given(seed=st.integers(0, 2**32))
def test_query_prints_a_row_of_each(seed: int) -> None:
    """One that can be read again."""
    extremes = WireExtremes(seed)
    for what, codec in TABLES.items():
        try:
            value = codec.decode(extremes.record(codec))
        except BadRecord:
            continue
        matches(
            what, value, Filters(cluster="*", since=NOW, until=NOW, window_s=value.window_s if what == "lag" else 60.0)
        )
        if isinstance(value, _TYPES[what]):
            out = io.StringIO()
            csv_lines(out.write)(cells(what, value))
            (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
            assert len(row) == len(COLUMNS[what])


@histories()
@given(seed=st.integers(0, 2**32))
def test_watch_shows_what_it_reads(seed: int) -> None:
    """As a picture, as lines and as JSON."""
    extremes, fleet = WireExtremes(seed), FleetView()
    shows, screen = (Lines(json=False), Lines(json=True)), Console(file=io.StringIO(), width=120)
    for number in range(length(20, 20)):
        codec = extremes.chance.choice((wire.STATUS, wire.INCIDENTS, wire.ALERTS, wire.DELIVERIES))
        try:
            value = codec.decode(extremes.record(codec))
        except BadRecord:
            continue
        fleet.take(value)
        fleet.sample_lags(float(number))
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            for show in shows:
                if codec is not wire.STATUS:
                    show.event(value)
                show.picture(fleet, NOW)
    screen.print(render(fleet, NOW))
