"""Addresses that users of Grafana, Prometheus and Alertmanager type by habit lead to the page that has the same."""

import re
from pathlib import Path

import pytest

from leadline_console.elsewhere import ELSEWHERE, meant
from tests.unit.console.test_security import TOKEN, Browser

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("address", sorted(ELSEWHERE))
def test_a_habit_leads_on(address: str) -> None:
    """It is 404, names the page wanted with a link, and the page is there."""
    browser = Browser()
    answer = browser.http.get(f"{address}?query=up", headers=BROWSER)
    wanted = ELSEWHERE[address].path
    assert answer.status_code == 404
    assert f"There is no page {address}." in answer.text
    assert f'<a id="instead" href="{wanted}">' in answer.text
    assert browser.http.get(wanted).status_code in (200, 503)


@pytest.mark.parametrize("address", ["/metrics", "/api/v1/query?query=up", "/api/v2/silences", "/-/healthy"])
def test_a_program_is_answered_in_one_line(address: str) -> None:
    """Prometheus shows the start of such an answer as the error of its target, Grafana as that of its data source."""
    answer = Browser().http.get(address, headers={"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
    assert answer.status_code == 404
    assert "Did you mean /" in answer.json()["error"]


@pytest.mark.parametrize(
    ("address", "page"),
    [("/incidens", "/incidents"), ("/Silences/", "/silences"), ("/rulez.json", "/rules"), ("/xyzzy", "")],
)
def test_a_misspelt_page(address: str, page: str) -> None:
    """The nearest one is proposed; where none is near, none."""
    assert meant(address).path == page


def test_the_page_for_newcomers_is_right() -> None:
    """Each address that `docs/how-to/coming-from-grafana.md` lists is answered with the page beside it."""
    page = (Path(__file__).parents[3] / "docs/how-to/coming-from-grafana.md").read_text()
    rows = re.findall(r"^\| (`/[^|]+) \| `(/[^`|]*)` \|$", page, re.MULTILINE)
    assert len(rows) > 5
    for there, here in rows:
        assert {meant(address).path for address in re.findall(r"`([^`]+)`", there)} == {here}


def test_the_address_is_shown_as_text() -> None:
    """A link that somebody was sent cannot write into the page."""
    answer = Browser().http.get("/<script>alert(1)</script>\u202e", headers=BROWSER)
    assert answer.status_code == 404
    assert "<script>alert(1)" not in answer.text


def test_whoever_has_not_signed_in_learns_nothing() -> None:
    """An address that is none is no way around signing in."""
    browser = Browser(sign_in_tokens_0_name="wall", sign_in_tokens_0_role="view", sign_in_tokens_0_token=TOKEN)
    assert browser.http.get("/graph", headers={"Accept": "*/*"}).status_code == 401
