"""An open page and its stream: many tabs, an answer that is none, and somebody who may no longer look."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from leadline.settings.secret import Secret
from leadline.settings.web_console import SignInSettings, TokenSettings, WebConsoleSettings
from tests.fixtures.consoles import ServedConsole, fleet, link

TABS = 6
"""Connections of a browser to one host."""
SHOWS = """(state) => {
    Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
    Object.defineProperty(document, "hidden", {value: state === "hidden", configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
"""The effect of leaving a tab, or of bringing it to the front; without a window, all tabs are in front."""


def broken(console: ServedConsole, name: str = "pg-2") -> None:
    console.take(link("orders", "pg-1", name, verdict="broken"))


def test_tabs_that_nobody_sees_leave_their_connection_to_others(console: ServedConsole, chromium: Browser) -> None:
    """The seventh tab loads, and one that comes to the front again shows what changed meanwhile.

    With a stream in each tab the seventh never got an answer: https://github.com/freenet/freenet-core/issues/5213,
    https://github.com/burningmantech/ranger-ims-server/issues/1320
    """
    console.take(*fleet("orders"))
    with chromium.new_context() as context:
        tabs = []
        for _ in range(TABS + 2):
            tab = context.new_page()
            tab.goto(console.url)
            expect(tab.locator("#keys")).to_be_visible()
            tab.evaluate(SHOWS, "hidden")
            tabs.append(tab)
        broken(console)
        tabs[0].evaluate(SHOWS, "visible")
        expect(tabs[0].locator("#live_links")).to_contain_text("broken")
        expect(tabs[0].locator("#lost")).to_be_hidden()
        expect(tabs[1].locator("#live_links")).not_to_contain_text("broken")


def test_a_proxy_that_answers_while_the_console_is_away(console: ServedConsole, tab: Page) -> None:
    """A browser gives up for good after a 502; the page does not.

    https://github.com/Yaffle/EventSource/issues/88, https://github.com/commontoolsinc/labs/pull/5390
    """
    console.take(*fleet("orders"))
    asked: list[str] = []

    def away(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>")

    tab.route("**/*.live*", away)
    tab.goto(console.url)
    expect(tab.locator("#lost")).to_be_visible()
    broken(console)
    tab.unroute("**/*.live*")
    expect(tab.locator("#live_links")).to_contain_text("broken")
    expect(tab.locator("#lost")).to_be_hidden()
    assert len(asked) >= 2


@pytest.fixture
def guarded() -> Any:
    """A console with a token."""
    token = TokenSettings(name="wall", token=Secret("t" * 24))
    made = ServedConsole(WebConsoleSettings(sign_in=SignInSettings(tokens=[token])))
    yield made
    made.close()


def test_a_reader_who_was_signed_out_sees_that(guarded: ServedConsole, chromium: Browser) -> None:
    """Old values that look new were what people saw elsewhere: https://github.com/rancher/dashboard/issues/6092"""
    guarded.take(*fleet("orders"))
    with chromium.new_context(extra_http_headers={"Authorization": f"Bearer {'t' * 24}"}) as context:
        tab = context.new_page()
        tab.goto(guarded.url)
        expect(tab.locator("#live_links")).to_contain_text("orders")
        expect(tab.locator("#signed_out")).to_be_hidden()
        tab.evaluate(SHOWS, "hidden")
        context.set_extra_http_headers({})
        tab.evaluate(SHOWS, "visible")
        expect(tab.locator("#signed_out")).to_contain_text("You are signed out")
        expect(tab.locator("#lost")).to_be_hidden()
        tab.get_by_role("link", name="Load the page again").click()
        assert "/sign-in" in tab.url
