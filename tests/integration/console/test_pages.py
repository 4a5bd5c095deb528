"""The pages in a real browser: what they show, that they follow the topics, and that keys and addresses work."""

from playwright.sync_api import Page, expect

from tests.fixtures.consoles import ServedConsole, fleet, link


def test_the_worst_link_comes_first(console: ServedConsole, tab: Page) -> None:
    console.take(*fleet("billing"), *fleet("orders", verdict="replay_stalled", lag_s=42.0))
    tab.goto(console.url)
    row = tab.locator("#live_links tbody tr").first
    expect(row).to_contain_text("orders")
    expect(row).to_contain_text("stalled")
    expect(row).to_contain_text("42 s")
    expect(tab.locator("#live_clusters tbody tr").first).to_contain_text("orders")


def test_a_change_is_shown_without_loading_the_page_again(console: ServedConsole, tab: Page) -> None:
    console.take(*fleet("orders"))
    tab.goto(console.url)
    expect(tab.locator("#live_summary")).to_contain_text("0 of 2 links")
    tab.evaluate("window.same = true")
    console.take(link("orders", "pg-1", "pg-2", verdict="broken"))
    expect(tab.locator("#live_summary")).to_contain_text("1 of 2 links")
    assert tab.evaluate("window.same") is True


def test_an_old_feed_is_reported(console: ServedConsole, tab: Page) -> None:
    console.take(*fleet("orders"))
    tab.goto(console.url)
    expect(tab.locator("#live_banner")).to_have_text("")
    console.feed_lives = False
    expect(tab.locator("#live_banner")).to_contain_text("Out of date")
    console.feed_lives = True
    expect(tab.locator("#live_banner")).not_to_contain_text("Out of date")


def ready(tab: Page) -> None:
    """Return when the page has its keys: the script has run."""
    expect(tab.locator("#keys")).to_be_visible()


def test_a_cluster_and_a_link_are_reached_by_keys(console: ServedConsole, tab: Page) -> None:
    console.take(*fleet("orders", verdict="cut_off"))
    tab.goto(console.url)
    ready(tab)
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("orders")
    ready(tab)
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("pg-1 → pg-2")
    ready(tab)
    tab.keyboard.press("Escape")
    expect(tab.locator("h1")).to_have_text("orders")
    ready(tab)
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog")).to_contain_text("next, previous row")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    tab.keyboard.press("/")
    tab.keyboard.type("nothing of that name")
    tab.keyboard.press("Enter")
    expect(tab.locator("#live_clusters")).to_contain_text("No cluster fits")


def test_everything_is_there_without_scripts(console: ServedConsole, plain_tab: Page) -> None:
    console.take(*fleet("orders", verdict="broken"))
    plain_tab.goto(console.url)
    plain_tab.get_by_role("link", name="orders", exact=True).first.click()
    expect(plain_tab.locator("h1")).to_have_text("orders")
    expect(plain_tab.locator("#live_links")).to_contain_text("broken")
    expect(plain_tab.locator("#lost")).to_be_hidden()
