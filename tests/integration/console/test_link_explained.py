"""The explanation of a link on its page: from samples in Kafka, in Chromium with and without scripts.

Users of Grafana asked how a rule would have evaluated in the past, and why a state on record was not sent:
https://github.com/grafana/grafana/issues/16616, https://github.com/grafana/grafana/issues/63330
"""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from leadline.settings.common import KafkaSettings
from leadline.settings.web_console import WebConsoleSettings, WebSettings
from tests.fixtures.brokers import Broker
from tests.fixtures.console_values import link, now
from tests.fixtures.consoles import ServedConsole
from tests.integration.cli.test_explain import produce
from tests.unit.console.story import silence
from tests.unit.streams import world
from tests.unit.streams.explain.recorded import Behind, Film, streams

LINK = "orders/pg-1->pg-2"


@pytest.fixture
def console(
    any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[ServedConsole]:
    """A standby that stopped to replay a minute ago, and limits in a file."""
    any_broker.create_topic(prefix + "samples", 3)
    monkeypatch.setattr(world, "START", datetime.now(UTC) - timedelta(seconds=95))
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    film = Film().run(30, streams).run(60, Behind())
    with ThreadPoolExecutor() as thread:  # the browser's event loop runs in this one
        thread.submit(lambda: asyncio.run(produce(kafka, film))).result()
    limits = tmp_path / "stream.yaml"
    limits.write_text("rules:\n  replication_lag:\n    warning: 7\n")
    made = ServedConsole(WebConsoleSettings(kafka=kafka, web=WebSettings(port=0, stream_settings=str(limits))))
    made.take(link("orders", "pg-1", "pg-2"))
    yield made
    made.close()


def explained(console: ServedConsole, at: datetime) -> str:
    return f"{console.url}/link?{urlencode({'link': LINK, 'at': at.isoformat(), 'back': '5m'})}"


def test_a_link_is_explained_at_a_time(console: ServedConsole, chromium: Browser, tab: Page, plain_tab: Page) -> None:
    """The form leads to an address that says all; without scripts, too. It is not loaded anew by itself."""
    tab.goto(f"{console.url}/link?{urlencode({'link': LINK})}")
    tab.get_by_label("judged from so long before").select_option("5m")
    tab.get_by_role("button", name="Explain").click()
    why = tab.get_by_role("region", name="Why did it, or did it not, alert?")
    expect(why).to_contain_text("alerts: replication_stalled (warning)")
    expect(why).to_contain_text("no delivery is on record")
    expect(why).to_contain_text("warning 7 (rules.replication_lag.warning)")
    expect(why.get_by_role("table").first.get_by_role("cell", name="pg-2")).to_be_visible()
    assert "back=5m" in tab.url
    with chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark") as dark:
        small = dark.new_page()
        small.goto(tab.url)
        for page in (tab, small):
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            found = Axe().run(page).response["violations"]
            assert [(each["id"], [at["html"] for at in each["nodes"]]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    plain_tab.goto(explained(console, now() - timedelta(seconds=75)))
    expect(plain_tab.get_by_text("does not alert")).to_be_visible()
    assert "http-equiv" not in plain_tab.content()
    plain_tab.goto(explained(console, now() - timedelta(days=30)))
    expect(plain_tab.get_by_text("samples of that time are no longer kept")).to_be_visible()


def test_its_json_has_the_same_and_silences_of_the_model(console: ServedConsole) -> None:
    """A cluster in another one's silence is not held back by it."""
    console.take(silence(now()))
    with urllib.request.urlopen(explained(console, now()).replace("/link?", "/link.json?")) as answer:
        why = json.loads(answer.read())["why"]
    assert why["explanation"]["outcome"] == "fires"
    assert why["limits"].startswith("limits are those of")
    assert [each["kind"] for each in why["explanation"]["held_back"] if each["kind"] == "silence"] == []
