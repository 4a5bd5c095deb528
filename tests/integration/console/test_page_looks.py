"""The pages of incidents and of what surrounds them: hostile texts, a screen reader, a telephone, no scripts."""

import json
import urllib.request
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from leadline_console.page import Page as ConsolePage
from leadline_console.pages import PAGES
from tests.fixtures.console_values import fleet, node, now
from tests.fixtures.consoles import ServedConsole
from tests.unit.console.story import announcement, audit, blind_alert, blocked, delivery, notice, silence, verification
from tests.unit.sinks.made import HOSTILE, action, hostile, resolved

FIRST = {
    "/incidents": "1 incident is open, and nobody has acknowledged it. Begin with: orders: replay on pg-2 is blocked",
    "/deliveries": "1 notification of open incidents was refused by the target.",
    "/silences": "1 silence is active, and holds back 0 open incidents.",
    "/audits": "1 cluster was audited; 1 has critical findings. Begin with orders: 1 critical finding, 1 warning",
    "/verifications": "1 link holds other data than the upstream. Begin with pg-1 → pg-2: 3 rows differ in 1 table.",
    "/rules": "In 2 of 2 clusters something is not seen. Begin with billing: ",
    "/health": "Notifications do not reach pagerduty.",
}
"""The first line of each page of a story: what, how bad, and where to begin."""


def take_story(console: ServedConsole) -> dict[str, str]:
    """Give the console a story; the addresses of all pages of this file by their names."""
    at = now()
    about, announced = blocked(at), announcement(at, silence(at))
    console.take(
        *fleet("orders", verdict="replay_stalled", lag_s=42.0),
        *fleet("billing"),
        node("billing", "pg-9", health="silent", note="its agent does not report"),
        about,
        delivery(about),
        delivery(about, "pagerduty", "given_up", reason="rejected: invalid routing key"),
        delivery(about, "webhook", "suppressed", reason="sil_0123456789ab"),
        silence(at),
        announced,
        audit(at),
        notice(at),
        verification(at),
        verification(at, "pg-3", "equal"),
        blind_alert(at),
        resolved(opened_at=at - timedelta(days=1), resolved_at=at - timedelta(hours=22)),
    )
    ident = about.incident_id
    return {path: path for path in FIRST} | {
        "incident": f"/incident?id={ident}",
        "announcement": f"/incident?id={announced.incident_id}",
        "writing": f"/incident?id={ident}&write=1",
        "why": f"/deliveries?incident={ident}&target=pagerduty",
        "preview": "/silences?cluster=orders&comment=resize",
        "audit": "/audits?cluster=orders",
        "verification": f"/verifications?link={quote('orders/pg-1->pg-2', safe='')}",
        "rules of one": "/rules?cluster=orders",
        "post-mortem": f"/postmortem?id={ident}",
    }


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_is_wrong_for_a_screen_reader(
    console: ServedConsole, chromium: Browser, scheme: Any, width: int
) -> None:
    """axe-core finds nothing, contrast of the colours included; nothing is wider than a telephone."""
    pages = take_story(console)
    del pages["/rules"]  # as the one of a cluster, and a second to look at
    with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        for name, path in pages.items():
            page.goto(console.url + path)
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            answer = Axe().run(page).response
            assert len(answer["passes"]) > 15
            found = [(each["id"], [at["html"] for at in each["nodes"]]) for each in answer["violations"]]
            assert (name, found) == (name, [])
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is wider than a window of {width}"


def test_the_first_line_says_what_is_wrong_and_where_to_begin(console: ServedConsole, plain_tab: Page) -> None:
    """Read aloud at three in the morning, without scripts, on a telephone."""
    take_story(console)
    for path, line in FIRST.items():
        plain_tab.goto(console.url + path)
        expect(plain_tab.locator("main .first").first).to_contain_text(line)


ISOLATED = """() => { const main = document.querySelector("main").cloneNode(true);
for (const each of main.querySelectorAll("bdi:not(.visible)")) each.remove();
return main.textContent; }"""
"""The text of a page without the names, whose direction is isolated."""
MARKUP = '<img src=x onerror=alert(1)>"><script>alert(1)</script>'


@pytest.mark.parametrize("text", [MARKUP + each for each in HOSTILE], ids=range(len(HOSTILE)))
def test_hostile_text_is_only_shown(console: ServedConsole, tab: Page, text: str) -> None:
    """In every field of an incident, an acknowledgement and a silence. What turns the direction is written out."""
    about = hostile(text)
    by = text[:255]
    console.take(
        about,
        action(incident_id=about.incident_id, by=by, action_id=text[:80]),
        action("note", 2, incident_id=about.incident_id, by=by, text=text[:4000], action_id=f"n{text[:80]}"),
        delivery(about, "slack", "given_up", reason=text, receipt={text[:80]: text}),
        silence(now(), silence_id=f"sil_{text[:80]}", created_by=by, comment=text[:1000]),
    )
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in (
        f"/incident?id={about.incident_id}",
        "/incidents?state=all",
        "/deliveries",
        f"/deliveries?incident={about.incident_id}&target=slack",
        f"/silences?cluster={quote(text[:200])}&comment={quote(text[:500])}",
        "/health",
    ):
        answer = tab.goto(console.url + path)
        assert answer is not None
        assert answer.status == 200
        assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        shown = tab.evaluate(ISOLATED)
        assert not {"\u202e", "\x1b", "\x07"} & set(shown), path
        assert tab.locator("main img, main script").count() == 0
    assert dialogs == []


def test_every_page_is_json_too(console: ServedConsole) -> None:
    """The same values, with the raw texts."""
    for path in take_story(console).values():
        base, _, query = path.partition("?")
        with urllib.request.urlopen(f"{console.url}{base}.json?{query}") as answer:
            assert isinstance(json.loads(answer.read()), dict)


def test_the_menu_leads_to_every_page(console: ServedConsole, tab: Page) -> None:
    """And none of them is larger than 100 kB."""
    take_story(console)
    menu: list[ConsolePage] = [page for page in PAGES if page.menu]
    assert len(menu) >= 8
    for page in menu:
        tab.goto(console.url)
        tab.get_by_role("navigation", name="Pages").get_by_role("link", name=page.menu, exact=True).click()
        expect(tab.locator("header [aria-current=page]")).to_have_text(page.menu)
        assert len(tab.content()) < 100_000


def test_what_is_not_there_says_where_to_look(console: ServedConsole, tab: Page) -> None:
    """With the status that programs expect."""
    take_story(console)
    for path in ("/incident?id=none", "/audits?cluster=none", "/verifications?link=none", "/rules?cluster=none"):
        answer = tab.goto(console.url + path)
        assert answer is not None
        assert answer.status == 404
        expect(tab.locator("main")).to_contain_text("none")


def test_a_page_that_is_followed_is_not_made_anew_without_a_reason(console: ServedConsole, tab: Page) -> None:
    """A selection, an open part and the focus stay while other things change."""
    pages = take_story(console)
    tab.goto(console.url + pages["incident"])
    tab.locator("details summary").first.click()
    tab.evaluate("document.querySelector('#live_cause h2').marked = true")
    console.take(blocked(now(), incident_id="inc_other", title="billing: another one"), *fleet("billing"))
    other = tab.context.new_page()
    other.goto(console.url + "/incidents")
    expect(other.locator("#live_incidents")).to_contain_text("billing: another one")
    assert tab.evaluate("document.querySelector('#live_cause h2').marked") is True
    assert tab.locator("details[open]").count() == 1
