"""Everything that requests have to pass: names of hosts, ways to sign in, roles, forged requests, rates."""

import re
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from leadline.clock import ManualClock
from leadline.settings.load import load
from leadline.settings.web_console import WebConsoleSettings
from leadline_console.app import Console, application
from leadline_console.live import PageStreams
from leadline_console.rates import RateLimit, RequestRate
from leadline_console.read_model import ReadModel
from leadline_console.security import checked_form

TOKEN = "a-token-of-twenty-characters"
OURS = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}


async def act(request: Request) -> Response:
    """A handler as those of actions are."""
    principal, form = await checked_form(request, "ack")
    return JSONResponse({"by": principal.name, "text": form.get("text")})


class Browser:
    """A client of a console, with its settings given as variables."""

    def __init__(self, client: str = "127.0.0.1", **settings: str) -> None:
        self.clock = ManualClock()
        environ = {f"LEADLINE_{name.upper()}": value for name, value in settings.items()}
        self.settings = load(WebConsoleSettings, None, environ).settings
        model = ReadModel()

        async def publish(value: Any) -> None:
            """Nothing is written here."""

        made = Console(self.settings, model, PageStreams(model, self.clock), publish, self.clock, "secret", "local")
        app = application(made)
        app.router.routes.append(Route("/act", act, methods=["POST"]))
        self.http = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, client=(client, 5000))

    def csrf(self) -> str:
        """The token of this session, as the form of signing out carries it."""
        text = self.http.get("/").text
        return text.partition('name="csrf" value="')[2].partition('"')[0]


def behind_proxy(client: str = "10.0.0.7", **more: str) -> Browser:
    return Browser(
        client,
        web_address="10.0.0.1",
        web_hosts='["127.0.0.1"]',
        sign_in_header_user="X-User",
        sign_in_header_groups="X-Groups",
        sign_in_header_trusted='["10.0.0.0/28"]',
        sign_in_roles_ack='["group:dba"]',
        **more,
    )


def with_token() -> Browser:
    return Browser(
        sign_in_tokens_0_name="wall", sign_in_tokens_0_role="ack", sign_in_tokens_0_token=TOKEN, web_port="8096"
    )


def test_headers_keep_foreign_content_out() -> None:
    answer = Browser().http.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_no_page_has_a_script_or_a_style_of_its_own() -> None:
    text = Browser().http.get("/").text
    assert "<style" not in text
    assert " style=" not in text
    assert re.search(r"<[^>]* on[a-z]+=", text) is None
    assert all("src=" in tag for tag in text.split("<script")[1:])


@pytest.mark.parametrize(
    "host", ["evil.example.org", "127.0.0.1.evil.example.org", "", "[::1", "a@127.0.0.1", "localhost.:1"]
)
def test_a_foreign_host_name_is_refused(host: str) -> None:
    """DNS rebinding: an attacker's name that leads to this address."""
    assert Browser().http.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8096", "localhost", "LOCALHOST:1", "[::1]:8096"])
def test_our_own_host_names_are_answered(host: str) -> None:
    assert Browser().http.get("/", headers={"Host": host}).status_code == 200


def test_a_proxy_without_a_sign_in_is_refused() -> None:
    """Everybody would be admin: a proxy on this host hides that they come from elsewhere."""
    assert Browser().http.get("/", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 403


def test_a_form_of_our_page_is_taken() -> None:
    browser = with_token()
    page = browser.http.get("/sign-in")
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    entered = browser.http.post("/sign-in/token", data={"csrf": token, "token": TOKEN}, headers=OURS)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    done = browser.http.post("/act", data={"csrf": browser.csrf(), "text": "seen"}, headers=OURS)
    assert done.json() == {"by": "wall", "text": "seen"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example.org"},
     {"Origin": "null"}],
)  # fmt: skip
def test_a_request_of_another_site_is_refused(headers: dict[str, str]) -> None:
    browser = Browser()
    browser.http.get("/")
    assert browser.http.post("/act", data={"csrf": "x"}, headers=headers).status_code == 403


def test_a_form_without_the_token_of_its_session_is_refused() -> None:
    browser = Browser()
    browser.http.get("/")
    assert browser.http.post("/act", data={"text": "x"}, headers=OURS).status_code == 403
    assert browser.http.post("/act", data={"csrf": "0" * 64}, headers=OURS).status_code == 403


def test_a_program_acts_with_its_token_alone() -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert with_token().http.post("/act", data={"text": "x"}, headers=bearer).json()["by"] == "wall"
    assert with_token().http.get("/index.json", headers=bearer).status_code == 200
    assert with_token().http.get("/index.json", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_browser_is_sent_to_sign_in_and_back() -> None:
    browser = with_token()
    sent = browser.http.get("/cluster?cluster=a%20b", headers={"Accept": "text/html"})
    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?next=%2Fcluster%3Fcluster%3Da%2520b"
    page = browser.http.get(sent.headers["location"])
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    entered = browser.http.post("/sign-in/token", data={"csrf": token, "token": TOKEN}, headers=OURS)
    assert entered.headers["location"] == "/cluster?cluster=a%20b"


@pytest.mark.parametrize(
    "onward", ["https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "javascript:x"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(onward: str) -> None:
    browser = with_token()
    page = browser.http.get("/sign-in", params={"next": onward})
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    entered = browser.http.post("/sign-in/token", data={"csrf": token, "token": TOKEN}, headers=OURS)
    assert entered.headers["location"] == "/"


def test_a_session_ends() -> None:
    browser = with_token()
    page = browser.http.get("/sign-in")
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    browser.http.post("/sign-in/token", data={"csrf": token, "token": TOKEN}, headers=OURS)
    assert browser.http.get("/").status_code == 200
    browser.clock.advance(browser.settings.sign_in.session_s + 1)
    assert browser.http.get("/").status_code == 401


def test_attempts_to_guess_a_token_are_slowed_down() -> None:
    browser = with_token()
    token = browser.http.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
    answers = [
        browser.http.post("/sign-in/token", data={"csrf": token, "token": str(number)}, headers=OURS).status_code
        for number in range(15)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_the_header_of_a_trusted_proxy_is_believed() -> None:
    browser = behind_proxy()
    headers = {"X-User": "ann", "X-Groups": "staff, dba", **OURS}
    page = browser.http.get("/", headers=headers)
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert browser.http.post("/act", data={"csrf": token}, headers=headers).json()["by"] == "ann"
    headers["X-Groups"] = "staff"
    assert browser.http.post("/act", data={"csrf": token}, headers=headers).status_code == 403


def test_the_header_of_anybody_else_is_not() -> None:
    assert behind_proxy("10.0.0.99").http.get("/", headers={"X-User": "ann"}).status_code == 401
    assert behind_proxy("testclient").http.get("/", headers={"X-User": "ann"}).status_code == 401


def test_somebody_without_a_role_may_not_look() -> None:
    browser = behind_proxy(sign_in_roles_view='["group:staff"]')
    assert browser.http.get("/", headers={"X-User": "eve"}).status_code == 403
    assert browser.http.get("/", headers={"X-User": "ann", "X-Groups": "staff"}).status_code == 200


def test_too_many_requests_are_refused_with_when_to_come_back() -> None:
    browser = Browser()
    answers = [browser.http.get("/healthz") for _ in range(201)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1"
    browser.clock.advance(1.0)
    assert browser.http.get("/healthz").status_code == 503


def test_a_sender_that_waits_is_allowed_again() -> None:
    limit = RateLimit(RequestRate(per_s=0.5, at_once=2))
    assert [limit.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert limit.wait_s("b", 0.0) == 0.0
    assert limit.wait_s("a", 2.0) == 0.0


def test_a_large_body_is_refused() -> None:
    assert Browser().http.post("/act", content=b"x" * 70_000, headers=OURS).status_code == 413


def test_the_health_shows_an_old_feed() -> None:
    assert Browser().http.get("/healthz").status_code == 503


def test_an_error_is_a_page_or_json() -> None:
    browser = Browser()
    page = browser.http.get("/cluster?cluster=%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.status_code == 404
    assert "<script>alert" not in page.text
    assert browser.http.get("/cluster.json?cluster=x").json()["error"].startswith("there is no cluster")
    assert browser.http.get("/nowhere").status_code == 404
