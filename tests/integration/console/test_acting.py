"""Acknowledging, noting and silencing from the pages, in a real browser: with and without scripts, and by keys."""

import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from leadline.settings.secret import Secret
from leadline.settings.web_console import RoleName, SignInSettings, TokenSettings, WebConsoleSettings
from tests.fixtures.console_values import fleet, now
from tests.fixtures.consoles import ServedConsole
from tests.unit.console.story import blocked, delivery, silence


def incident_page(console: ServedConsole) -> str:
    """The address of an incident, which the console is given with a fleet."""
    about = blocked(now())
    console.take(*fleet("orders"), *fleet("billing"), about, delivery(about))
    return f"{console.url}/incident?id={about.incident_id}"


def test_an_incident_is_acknowledged_once_and_shown_everywhere(console: ServedConsole, tab: Page) -> None:
    """By the signed-in name; a tab that is open elsewhere follows without loading."""
    address = incident_page(console)
    other = tab.context.new_page()
    other.goto(console.url + "/incidents")
    expect(other.locator("#live_incidents")).to_contain_text("nobody has acknowledged it")
    tab.goto(address)
    tab.get_by_role("button", name="Acknowledge").click()
    expect(tab.locator("#live_head")).to_contain_text("Acknowledged by dba")
    expect(tab.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(other.locator("#live_incidents")).to_contain_text("acknowledged by dba")
    (action,) = console.published
    assert (action.kind, action.by, action.generation) == ("acknowledge", "dba", 1)


def test_what_became_worse_while_somebody_read_is_not_acknowledged_by_the_click(
    console: ServedConsole, tab: Page
) -> None:
    """The button of a page that follows has the present generation; one of an old page has its own."""
    tab.goto(incident_page(console))
    form = tab.locator("form[action='/incident/acknowledge'] input[name=generation]")
    expect(form).to_have_value("1")
    console.take(blocked(now(), incident_id=next(iter(console.model.open_incidents)), seq=2, generation=2))
    expect(form).to_have_value("2")


def test_a_note_survives_what_happens_while_it_is_written(console: ServedConsole, tab: Page) -> None:
    """The page goes on around the field; two clicks are one note, and it is shown as it was written."""
    tab.goto(incident_page(console))
    tab.get_by_role("link", name="Add a note").click()
    expect(tab.get_by_label("Note,")).to_be_focused()
    tab.keyboard.type("ended the report, <b>bold</b>")
    console.take(blocked(now(), incident_id=next(iter(console.model.open_incidents)), seq=2, worst_lag_s=77.0))
    expect(tab.locator("h1")).to_contain_text("1 min 17 s")
    expect(tab.get_by_label("Note,")).to_have_value("ended the report, <b>bold</b>")
    tab.get_by_role("button", name="Add the note").click()
    expect(tab.locator("#live_timeline")).to_contain_text("dba noted: ended the report, <b>bold</b>")
    assert [each.text for each in console.published] == ["ended the report, <b>bold</b>"]


def test_everything_is_done_without_scripts(console: ServedConsole, plain_tab: Page) -> None:
    """Acknowledge, note, preview, silence and end it, on a telephone."""
    plain_tab.goto(incident_page(console))
    plain_tab.get_by_role("button", name="Acknowledge").click()
    expect(plain_tab.locator("#live_head")).to_contain_text("Acknowledged by dba")
    plain_tab.get_by_role("link", name="Add a note").click()
    plain_tab.get_by_label("Note,").fill("on it")
    assert plain_tab.locator("noscript meta").count() == 0
    plain_tab.get_by_role("button", name="Add the note").click()
    expect(plain_tab.locator("#live_timeline")).to_contain_text("dba noted: on it")
    plain_tab.get_by_role("link", name="Silence it").click()
    plain_tab.get_by_role("button", name="Silence for 2h").click()
    expect(plain_tab.locator("#live_silences")).to_contain_text("1 silence is active, and holds back 1 open incident.")
    plain_tab.get_by_role("button", name="End now").click()
    expect(plain_tab.locator("#live_silences")).to_contain_text("No silence is active")
    assert [type(each).__name__ for each in console.published] == ["Action", "Action", "Silence", "Silence"]


def test_a_silence_is_previewed_and_a_mistake_is_named(console: ServedConsole, tab: Page) -> None:
    """Matchers of nothing are refused with the name that was meant, and there is no button."""
    incident_page(console)
    tab.goto(console.url + "/silences")
    tab.get_by_label("cluster", exact=True).fill("ordrs")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.locator("#refused")).to_contain_text("no cluster matches 'ordrs'; did you mean orders?")
    expect(tab.locator("#silence")).to_have_count(0)
    tab.get_by_label("cluster", exact=True).fill("orders")
    tab.get_by_label("for", exact=True).select_option("30m")
    tab.get_by_label("reason").fill("resize of pg-2")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.locator("#live_preview")).to_contain_text("1 open incident now")
    expect(tab.locator("#live_preview")).to_contain_text("replay on pg-2 is blocked by a query")
    assert console.published == []
    tab.get_by_role("button", name="Silence for 30m").click()
    expect(tab.locator("#live_silences tbody tr")).to_contain_text("resize of pg-2")
    (made,) = console.published
    assert (made.matchers, made.created_by) == ({"cluster": "orders"}, "dba")
    assert made.ends_at - made.starts_at == timedelta(minutes=30)


def test_an_incident_is_acknowledged_by_keys_alone(console: ServedConsole, tab: Page) -> None:
    """From the list with j and Enter, then with Tab to the button."""
    incident_page(console)
    tab.goto(console.url + "/incidents")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    button = tab.get_by_role("button", name="Acknowledge")
    expect(button).to_be_visible()
    for _ in range(30):
        if button.evaluate("each => each === document.activeElement"):
            break
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator("#live_head")).to_contain_text("Acknowledged by dba")
    tab.keyboard.press("Escape")
    expect(tab.locator("h1")).to_have_text("Incidents")


def test_a_statement_is_copied_as_it_is(console: ServedConsole, chromium: Browser) -> None:
    """One with characters that are not seen is shown with them written out, and has no button."""
    hidden = blocked(now(), incident_id="inc_hidden")
    first = hidden.causes[0]
    console.take(hidden)
    assert first.steps[0].sql is not None
    with chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{console.url}/incident?id=inc_hidden")
        page.get_by_role("button", name="Copy statement 2").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "SELECT pg_terminate_backend(4711);"


def sent(console: ServedConsole, path: str, form: str, **headers: str) -> tuple[int, str]:
    """The status and the text of a form that some program sends."""
    request = urllib.request.Request(console.url + path, data=form.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_of_another_site_does_nothing(console: ServedConsole, headers: dict[str, str]) -> None:
    """Nor does one of this site without the token of the session."""
    incident_page(console)
    ident = next(iter(console.model.open_incidents))
    assert sent(console, "/incident/acknowledge", f"id={ident}", **headers)[0] == 403
    own = {"Origin": console.url, "Sec-Fetch-Site": "same-origin"}
    assert sent(console, "/incident/acknowledge", f"id={ident}&csrf=x", **own)[0] == 403
    assert console.published == []


def test_roles_are_kept_also_where_no_button_is_shown() -> None:
    """`view` looks, `ack` acknowledges, `admin` silences; a program with a token needs no session."""
    tokens: dict[RoleName, str] = {"view": "v" * 24, "ack": "a" * 24, "admin": "s" * 24}
    given = [TokenSettings(name=f"the {role}", role=role, token=Secret(token)) for role, token in tokens.items()]
    console = ServedConsole(WebConsoleSettings(sign_in=SignInSettings(tokens=given)))
    try:
        incident_page(console)
        console.take(silence(now()))
        ident = next(iter(console.model.open_incidents))
        answers = {
            (role, path): sent(console, path, form, Authorization=f"Bearer {token}", Accept="application/json")[0]
            for role, token in tokens.items()
            for path, form in (
                ("/incident/acknowledge", f"id={ident}"),
                ("/incident/note", f"id={ident}&text=x"),
                ("/silences/add", "cluster=orders&for=2h"),
                ("/silences/expire", "id=sil_0123456789ab"),
            )
        }
        assert [status for (role, _), status in answers.items() if role == "view"] == [403] * 4
        assert [status for (role, _), status in answers.items() if role == "ack"] == [200, 200, 403, 403]
        assert [status for (role, _), status in answers.items() if role == "admin"] == [200] * 4
        status, why = sent(console, "/silences/add", "cluster=nope&for=2h", Authorization=f"Bearer {tokens['admin']}")
        assert (status, "no cluster matches" in why) == (422, True)
        assert {each.by for each in console.published if hasattr(each, "by")} == {"the ack", "the admin"}
    finally:
        console.close()
