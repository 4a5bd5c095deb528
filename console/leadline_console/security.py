"""The checks that every request passes: host name, rates, sender, forged requests; and the headers of answers.

A browser sends its cookies with requests that other sites make. So a request that changes something must come from the
console's own pages by its ``Sec-Fetch-Site`` or ``Origin``, and carry the token of its session (``csrf``).
"""

import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadline import metrics
from leadline.clock import Clock
from leadline.settings.web_console import WebConsoleSettings, is_loopback
from leadline_console.rates import RateLimit, RequestRate
from leadline_console.roles import ConsoleRole, Principal
from leadline_console.sign_in import Doorkeeper

READS: Final = RequestRate(per_s=20, at_once=200)
WRITES: Final = RequestRate(per_s=1, at_once=20)
OPEN_TO_ALL: Final = ("/static/", "/sign-in", "/healthz")
SAFE: Final = ("GET", "HEAD")
MAX_BODY_BYTES: Final = 64 * 1024
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware inside of the session's. Handlers find the sender in ``request.state.principal``."""

    def __init__(self, app: ASGIApp, settings: WebConsoleSettings, doorkeeper: Doorkeeper, clock: Clock) -> None:
        self._app, self._settings, self._doorkeeper, self._clock = app, settings, doorkeeper, clock
        self._reads, self._writes = RateLimit(READS), RateLimit(WRITES)
        self._hosts = allowed_hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.CONSOLE_REQUESTS.labels(str(message["status"])).inc()
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = self._refusal(scope, Headers(scope=scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        sender = scope["client"][0] if scope["client"] else ""
        if _host(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("unknown host name; add it to web.hosts, or set web.url", 421)
        if self._settings.sign_in.is_open and ("forwarded" in headers or "x-forwarded-for" in headers):
            return PlainTextResponse("a proxy is in front, and nobody signs in; set sign_in in the settings", 403)
        safe = scope["method"] in SAFE
        wait = (self._reads if safe else self._writes).wait_s(sender, self._clock.monotonic())
        if wait:
            return PlainTextResponse("too many requests", 429, {"Retry-After": str(int(wait) + 1)})
        if not safe and (forged := self._forged(headers)):
            return PlainTextResponse(forged, 403)
        if not safe and not headers.get("content-length", "").isdecimal():
            return PlainTextResponse("the length of the body is missing", 411)
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            return PlainTextResponse("too large", 413)
        session = scope["session"]
        session.setdefault("sid", secrets.token_hex(16))
        principal = self._doorkeeper.who(headers, sender, session, self._clock.now().timestamp())
        scope.setdefault("state", {})["principal"] = principal
        if principal is None and not scope["path"].startswith(OPEN_TO_ALL):
            return self._to_sign_in(scope, headers)
        if principal is not None and principal.role < ConsoleRole.VIEW and not scope["path"].startswith(OPEN_TO_ALL):
            return PlainTextResponse(f"{principal.name} may not look; see sign_in.roles", 403)
        return None

    def _to_sign_in(self, scope: Scope, headers: Headers) -> Response:
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            here = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", 303)
        return PlainTextResponse(
            "sign in, or send a token: Authorization: Bearer …", 401, {"WWW-Authenticate": "Bearer"}
        )

    def _forged(self, headers: Headers) -> str:
        """The reason to take a request that changes something for another site's; empty for one of our pages."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if headers.get("authorization", "").lower().startswith("bearer "):
            return ""  # no browser adds one by itself
        if site is not None and site not in ("same-origin", "none"):
            return "the request comes from another site"
        if origin is not None and _host(origin.rpartition("://")[2]) not in self._hosts:
            return "the request comes from another site"
        if site is None and origin is None:
            return "the request names no origin"
        return ""


def allowed_hosts(settings: WebConsoleSettings) -> frozenset[str]:
    """The names under which requests are answered, without ports: with others, a name that an attacker controls and
    leads to this address would make the browser send us requests of the attacker's pages (DNS rebinding)."""
    web = settings.web
    names = {web.address, *web.hosts}
    if web.url is not None:
        names.add(urlsplit(web.url).hostname or "")
    if is_loopback(web.address):
        names |= {"127.0.0.1", "::1", "localhost"}
    return frozenset(name.lower() for name in names)


def csrf(session: Mapping[str, str], secret: str) -> str:
    """The token that forms of this session carry."""
    return hmac.new(secret.encode(), f"csrf:{session['sid']}".encode(), sha256).hexdigest()


async def checked_form(request: Request, role: str) -> tuple[Principal, FormData]:
    """The sender of a form, and its fields. Raises HTTPException without the role or the session's token.

    A program that sends a bearer token needs none: no browser adds that by itself.
    """
    principal: Principal | None = request.state.principal
    if principal is None or not principal.may(role):
        raise HTTPException(403, f"this needs the role {role}; see sign_in.roles")
    form = await request.form(max_fields=50, max_files=0)
    expected = csrf(request.session, request.app.state.secret)
    bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not bearer and not hmac.compare_digest(str(form.get("csrf", "")), expected):
        raise HTTPException(403, "the form is too old; load the page again")
    return principal, form


def _host(given: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{given}").hostname or "").lower() if given.isascii() and "@" not in given else ""
    except ValueError:
        return ""
