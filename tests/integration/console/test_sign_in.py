"""Signing in at an OpenID provider, in a browser."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from leadline.settings.load import load
from leadline.settings.web_console import WebConsoleSettings
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.process import spawn
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.consoles import ServedConsole, fleet

PEOPLE = (
    {"sub": "ann", "email": "ann@example.org", "groups": ["dba"]},
    {"sub": "eve", "email": "eve@example.org", "groups": ["sales"]},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID provider with two people."""
    with Port() as port, TemporaryDirectory() as folder:
        claims = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
        url = f"http://127.0.0.1:{port.number}"
        with (Path(folder) / "output").open("wb") as output:
            command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port.number), *claims]
            process = spawn(*command, cwd=Path(folder), env={}, output=output, owner=None, farewell=signal.SIGTERM)
        assert process.stdin is not None
        try:
            eventually("the provider answers", lambda: answers(f"{url}/.well-known/openid-configuration"), 60.0)
            yield url
        finally:
            process.stdin.close()
            process.wait()


def answers(url: str) -> bool:
    try:
        with urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def guarded(provider: str, tmp_path: Path) -> Iterator[ServedConsole]:
    """A console at which people sign in there, and only those of the group dba may look."""
    with Port() as port:
        given = {
            "web": {"port": port.number, "url": f"http://127.0.0.1:{port.number}"},
            "sign_in": {
                "oidc": {"issuer": provider, "client_id": "console", "client_secret": "a secret"},
                "roles": {"view": ["group:dba"], "ack": ["ann@*"]},
            },
        }
        file = tmp_path / "console.yaml"
        file.write_text(json.dumps(given))
        made = ServedConsole(load(WebConsoleSettings, file, {}).settings)
        yield made
        made.close()


def test_people_sign_in_and_out(guarded: ServedConsole, tab: Page) -> None:
    guarded.take(*fleet("orders"))
    tab.goto(guarded.url + "/cluster?cluster=orders")
    tab.get_by_role("link", name="Sign in").click()
    tab.get_by_role("button", name="ann").first.click()
    expect(tab.locator("h1")).to_have_text("orders")
    expect(tab.locator(".who")).to_contain_text("ann@example.org")
    tab.get_by_role("button", name="Sign out").click()
    tab.goto(guarded.url)
    expect(tab.get_by_role("link", name="Sign in")).to_be_visible()


def test_somebody_without_a_role_sees_nothing(guarded: ServedConsole, tab: Page) -> None:
    tab.goto(guarded.url)
    tab.get_by_role("link", name="Sign in").click()
    tab.get_by_role("button", name="eve").first.click()
    expect(tab.locator("body")).to_contain_text("eve@example.org may not look")


def test_an_answer_that_nobody_asked_for_is_refused(guarded: ServedConsole, tab: Page) -> None:
    """A link that signs somebody in as another person (login CSRF) has no state of this browser."""
    tab.goto(f"{guarded.url}/sign-in/done?code=stolen&state=stolen")
    expect(tab.get_by_role("alert")).to_contain_text("the sign-in failed")


def test_a_provider_that_refuses_is_reported(guarded: ServedConsole, tab: Page) -> None:
    tab.goto(guarded.url)
    tab.get_by_role("link", name="Sign in").click()
    tab.get_by_role("button", name="Deny").click()
    expect(tab.get_by_role("alert")).to_contain_text("the sign-in failed")
