"""The page to sign in, and the way to the provider and back."""

import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.web_console import WebConsoleSettings
from leadline_console import rendering
from leadline_console.oidc import CALLBACK, OidcSignIn
from leadline_console.rates import RateLimit, RequestRate
from leadline_console.security import csrf
from leadline_console.sign_in import SIGNED_IN, session_for, token_of

ATTEMPTS: Final = RequestRate(per_s=0.1, at_once=10)
"""Attempts to sign in, of one sender."""
_NEXT: Final = "next"


def sign_in_routes(settings: WebConsoleSettings, oidc: OidcSignIn | None, clock: Clock) -> list[BaseRoute]:
    """The addresses below ``/sign-in``, and ``/sign-out``."""
    attempts = RateLimit(ATTEMPTS)

    def count(request: Request) -> None:
        sender = request.client.host if request.client else ""
        if wait := attempts.wait_s(sender, clock.monotonic()):
            raise HTTPException(429, "too many attempts", {"Retry-After": str(int(wait) + 1)})

    def enter(request: Request, name: str, groups: list[str], role: str) -> Response:
        onward = _local(str(request.session.get(_NEXT, "/")))
        request.session.clear()  # a session from before, which somebody else may have set, ends here
        request.session["sid"] = secrets.token_hex(16)
        until = clock.now().timestamp() + settings.sign_in.session_s
        request.session[SIGNED_IN] = session_for(name, groups, role, until)
        return RedirectResponse(onward, 303)

    async def show(request: Request) -> Response:
        if _NEXT in request.query_params:
            request.session[_NEXT] = _local(request.query_params[_NEXT])
        return _page(request, "")

    async def by_token(request: Request) -> Response:
        count(request)
        form = await request.form(max_fields=5, max_files=0)
        if not secrets.compare_digest(str(form.get("csrf", "")), csrf(request.session, request.app.state.secret)):
            raise HTTPException(403, "the form is too old; load the page again")
        token = token_of(settings.sign_in, str(form.get("token", "")).strip())
        if token is None:
            return _page(request, "this token is not known", 401)
        return enter(request, token.name, [], token.role)

    async def to_provider(request: Request) -> Response:
        count(request)
        assert oidc is not None
        return await oidc.begin(request)

    async def from_provider(request: Request) -> Response:
        count(request)
        assert oidc is not None
        try:
            name, groups = await oidc.done(request)
        except UsageError as error:
            return _page(request, str(error), 401)
        return enter(request, name, groups, "")

    async def leave(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse("/sign-in", 303)

    def _page(request: Request, problem: str, status: int = 200) -> Response:
        values = {
            "csrf": csrf(request.session, request.app.state.secret),
            "has_tokens": bool(settings.sign_in.tokens),
            "has_provider": oidc is not None,
            "problem": problem,
        }
        return HTMLResponse(rendering.environment().get_template("sign_in.html").render(values), status)

    routes: list[BaseRoute] = [Route("/sign-in", show), Route("/sign-out", leave, methods=["POST"])]
    if settings.sign_in.tokens:
        routes.append(Route("/sign-in/token", by_token, methods=["POST"]))
    if oidc is not None:
        routes += [Route("/sign-in/provider", to_provider), Route(CALLBACK, from_provider)]
    return routes


def _local(address: str) -> str:
    """An address on this site; the first page for any other, to which nobody is sent from here."""
    fine = address.startswith("/") and not address.startswith(("//", "/\\", "/sign-in")) and address.isprintable()
    return address if fine else "/"
