"""Whatever is on the topics, every page of the console is made."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from leadline import wire
from leadline.clock import ManualClock
from leadline.errors import BadRecord
from leadline.model.lag import LagRollup
from leadline.settings.common import KafkaSettings
from leadline.settings.load import load
from leadline.settings.web_console import WebConsoleSettings
from leadline_console.app import Console, application
from leadline_console.feed import Feed
from leadline_console.lag_history import LagHistory
from leadline_console.live import PageStreams
from leadline_console.pages import PAGES
from leadline_console.read_model import TOPICS, ReadModel
from tests.fixtures.wire_extremes import WireExtremes
from tests.unit.properties import histories, length

T = datetime(2026, 4, 10, 10, tzinfo=UTC)
LINK = "orders/pg-1->pg-2"
NAMED = {
    **{"cluster": "orders", "link": LINK, "incident_id": "i1", "silence_id": "s1", "node": "pg-1"},
    **{"upstream": "pg-1", "downstream": "pg-2"},
}
ADDRESSES = (
    *("/", *(page.path for page in PAGES), "/cluster?cluster=orders", f"/link?link={quote(LINK)}", "/incident?id=i1"),
    *("/deliveries?incident=i1", "/silences?cluster=orders", "/audits?cluster=orders", "/incidents?q=a"),
    *(f"/verifications?link={quote(LINK)}", "/rules?cluster=orders", "/node?node=orders/pg-1"),
)


def filled(extremes: WireExtremes, records: int) -> ReadModel:
    model = ReadModel()
    for _ in range(records):
        codec = wire.CODECS[extremes.chance.choice(TOPICS)]
        plain = extremes.of(codec)
        plain |= {name: value for name, value in NAMED.items() if name in plain and extremes.chance.random() < 0.7}
        try:
            value = codec.decode(json.dumps(plain).encode())
        except BadRecord:
            continue
        model.take(value)
    return model


async def publish(value: Any) -> None:
    raise AssertionError("nothing is written")


@histories()
@given(seed=st.integers(0, 2**32))
def test_every_page_is_made(seed: int) -> None:
    """Some of them for each seed, as HTML and as JSON."""
    extremes, clock = WireExtremes(seed), ManualClock(T)
    model = filled(extremes, length(60, 120))
    settings = load(WebConsoleSettings, None, {}).settings
    made = Console(settings, model, PageStreams(model, clock), publish, clock, "secret", "local")
    http = TestClient(application(made), base_url="http://127.0.0.1")
    for address in extremes.chance.sample(ADDRESSES, 6):
        path, _, query = address.partition("?")
        for form in (path, f"{path if path != '/' else '/index'}.json"):
            assert http.get(f"{form}?{query}").status_code in (200, 404), address


def rollup(**changes: Any) -> LagRollup:
    plain = {
        **{"cluster": "orders", "datacenter": "", "link": LINK, "upstream": "pg-1", "downstream": "pg-2"},
        **{"link_kind": "physical", "window_s": 10.0, "start": T, "end": T, "samples": 1, "verdict": "healthy"},
        **{"lag_min_s": 0.0, "lag_avg_s": 0.0, "lag_max_s": 1e300, "lag_last_s": 0.0, "bytes_max": 0},
        **{"bytes_last": 0, "verdicts": {}},
    }
    return wire.LAG.decode(wire.encode(plain | changes))


def test_a_lag_history_leaves_out_times_that_it_cannot_hold() -> None:
    """They are no time of a judgement, and would stop the reading of all others."""
    history = LagHistory()
    for end in ("1969-12-31T23:59:00Z", "3000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        history.take(rollup(end=end))
    history.take(rollup())
    assert [point.lag_s for point in history.points("hour", T.timestamp() + 1)] == [1e9]


def test_a_value_that_cannot_be_shown_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the defect is: the records after it are read, and it is counted."""
    shown, model = list[LagRollup](), ReadModel()

    def take(of: ReadModel, value: LagRollup) -> None:
        if value.lag_max_s == 1e300:
            raise OverflowError("too much")
        shown.append(value)

    monkeypatch.setattr(ReadModel, "take", take)
    feed = Feed(KafkaSettings(), model, ManualClock(T))
    values = (rollup(), rollup(lag_max_s=1.0))
    records = [SimpleNamespace(offset=number, value=wire.encode(value)) for number, value in enumerate(values)]
    feed._fold(TopicPartition("leadline.lag", 0), records)
    assert shown == [values[1]]
