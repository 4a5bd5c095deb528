"""The pages with what is hard to show: hostile names, a large fleet, a telephone, a screen reader."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from leadline_console.rendering import to
from tests.fixtures.console_story import STALLED, story
from tests.fixtures.consoles import ServedConsole, fleet, link

MOST_BYTES = 100_000
"""Of the first page with everything that it loads."""
PAGES = {"fleet": "/", "cluster": "/cluster?cluster=orders", "link": f"/link?link={quote(STALLED, safe='')}"}
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x="',
    "template": "{{ 7 * 7 }}{% raw %}",
    "right to left": "\u202egnirts desrever\u202d أهلا",
    "path": "../../etc/passwd?x=1&y=2#z",
    "long": "a" * 255,
    "control": "a\tb\nc\x7f",
    "sentence": "' OR 1=1; --",
}


def fetched(console: ServedConsole, path: str) -> bytes:
    with urllib.request.urlopen(console.url + path) as answer:
        found: bytes = answer.read()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wrong_for_a_screen_reader(console: ServedConsole, chromium: Browser, scheme: Any) -> None:
    """axe-core finds nothing, contrast of the colours included."""
    console.take(*story())
    for width in (1280, 390):
        with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
            page = context.new_page()
            for name, path in PAGES.items():
                page.goto(console.url + path)
                expect(page.locator("#keys")).to_be_visible()
                if name != "fleet":
                    expect(page.locator(".uplot")).to_have_count(2)
                answer = Axe().run(page).response
                assert len(answer["passes"]) > 20
                found = answer["violations"]
                assert [(name, each["id"], [at["html"] for at in each["nodes"]]) for each in found] == []
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, f"{name} is wider than a window of {width}"


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_only_shown(console: ServedConsole, tab: Page, name: str) -> None:
    """As the name of a cluster, of a node, and in what is searched for."""
    console.take(*fleet(name), link(name, "pg-1", name))
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto(console.url + to("/", q=name[:200]))
    expect(tab.locator("#live_clusters tbody td").first).to_have_text(" ".join(name.split()))
    tab.locator("#live_clusters tbody a").first.click()
    expect(tab.locator("h1")).to_have_text(" ".join(name.split()))
    tab.locator("#live_links a").filter(has_text=name[:10].split("\t")[0]).first.click()
    expect(tab.locator("h1")).to_contain_text("→")
    assert dialogs == []
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_ten_thousand_links_are_a_small_page(console: ServedConsole, tab: Page) -> None:
    values = [value for number in range(1000) for value in fleet(f"cluster-{number:04}", 10)]
    console.take(*values, link("cluster-0777", "pg-1", "pg-5", verdict="broken"))
    loaded: list[int] = []
    tab.on("response", lambda answer: loaded.append(int(answer.headers.get("content-length", 0))))
    tab.goto(console.url)
    expect(tab.locator("#live_links tbody tr").first).to_contain_text("cluster-0777")
    expect(tab.locator("#live_clusters tbody tr").first).to_contain_text("cluster-0777")
    assert 60_000 < sum(loaded) < MOST_BYTES
    tab.get_by_role("link", name="Next").click()
    expect(tab.locator(".pager")).to_contain_text("page 2 of 200")
    tab.go_back()
    tab.get_by_label("Show").select_option("problems")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("#live_links tbody tr")).to_have_count(1)
    assert "show=problems" in tab.url


def test_times_are_in_the_readers_zone_with_utc_in_the_tooltip(console: ServedConsole, tab: Page) -> None:
    console.take(*story())
    tab.goto(console.url)
    moment = tab.locator("#live_links time").first
    utc, shown = moment.get_attribute("datetime"), moment.text_content()
    assert utc is not None
    expected = tab.evaluate(
        "utc => new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'}).format(new Date(utc))",
        utc,
    )
    assert shown == expected
    assert (moment.get_attribute("title") or "").endswith("UTC")


def test_a_plot_is_there_with_and_without_scripts(console: ServedConsole, tab: Page, plain_tab: Page) -> None:
    console.take(*story())
    tab.goto(console.url + PAGES["link"])
    expect(tab.locator(".uplot")).to_have_count(2)
    expect(tab.locator("figure svg").first).to_be_hidden()
    plain_tab.goto(console.url + PAGES["link"])
    expect(plain_tab.locator("figure svg path.line").first).to_be_visible()
    expect(plain_tab.locator("figure").first).to_contain_text("largest")


def test_every_page_is_json_too(console: ServedConsole, tab: Page) -> None:
    console.take(*story())
    for path in PAGES.values():
        tab.goto(console.url + path)
        address = tab.get_by_role("link", name="this page as JSON").get_attribute("href")
        assert address is not None
        assert isinstance(json.loads(fetched(console, address)), dict)


def test_a_console_that_is_gone_is_noticed_by_the_page(chromium: Browser) -> None:
    made = ServedConsole()
    made.take(*story())
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(made.url)
        expect(page.locator("#live_summary")).to_contain_text("of 13 links")
        expect(page.locator("#lost")).to_be_hidden()
        made.close()
        expect(page.locator("#lost")).to_be_visible()


def test_the_picture_of_the_manual(console: ServedConsole, chromium: Browser, tmp_path: Path) -> None:
    """With LEADLINE_TEST_WRITE set it replaces the one in docs/pictures."""
    console.take(*story())
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(console.url + PAGES["cluster"])
        expect(page.locator(".uplot")).to_have_count(2)
        folder = Path(__file__).parents[3] / "docs/pictures" if os.environ.get("LEADLINE_TEST_WRITE") else tmp_path
        picture = folder / "console.png"
        page.screenshot(path=picture)
        assert 10_000 < picture.stat().st_size < 300_000
