"""The web application: every page with its JSON and its stream, signing in, and static files."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from leadline import metrics, wire
from leadline.errors import LeadlineError
from leadline_console import elsewhere, rendering
from leadline_console.action_routes import ACTION_ROUTES
from leadline_console.live import TooManyStreams
from leadline_console.oidc import OidcSignIn
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages import PAGES
from leadline_console.security import Guard, csrf
from leadline_console.shared import Console
from leadline_console.sign_in import Doorkeeper
from leadline_console.sign_in_pages import sign_in_routes

STATIC: Final = Path(__file__).parent / "static"


def application(
    console: Console, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None
) -> Starlette:
    """The application as ASGI."""
    settings = console.settings
    oidc = OidcSignIn(settings) if settings.sign_in.oidc.issuer is not None else None
    routes: list[BaseRoute] = [route for page in PAGES for route in _page_routes(console, page)]
    routes += ACTION_ROUTES
    routes += sign_in_routes(settings, oidc, console.clock)
    routes += [Route("/healthz", _health), Mount("/static", StaticFiles(directory=STATIC))]
    secure = (settings.web.url or "").startswith("https://")
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=console.secret,
                session_cookie="__Host-leadline" if secure else "leadline",
                max_age=settings.sign_in.session_s,
                same_site="lax",
                https_only=secure,
            ),
            Middleware(
                Guard,
                settings=settings,
                doorkeeper=Doorkeeper(settings.sign_in, console.local),
                clock=console.clock,
            ),
        ],
        exception_handlers={NotFound: _not_found, HTTPException: _refused, LeadlineError: _failed},
    )
    app.state.console, app.state.secret = console, console.secret
    return app


def _page_routes(console: Console, page: Page) -> list[BaseRoute]:
    path = "/index" if page.path == "/" else page.path

    async def html(request: Request) -> Response:
        began = console.clock.monotonic()
        values = await _values(console, page, request)
        made = rendering.page(page.template, values)
        metrics.CONSOLE_PAGE_SECONDS.observe(console.clock.monotonic() - began)
        return HTMLResponse(made.html)

    async def json(request: Request) -> Response:
        view = await _view(console, page, request)
        return Response(wire.encode(view), media_type="application/json")

    async def stream(request: Request) -> Response:
        values = await _values(console, page, request, is_stream=True)
        try:
            console.live.begin()
        except TooManyStreams:
            raise HTTPException(503, "too many pages are open", {"Retry-After": "10"}) from None
        fixed = values["asked"]

        def make() -> Mapping[str, str]:
            asked = replace(fixed, now=console.clock.now())
            view = page.view(console.model, asked)
            return rendering.parts(page.template, {**values, **_present(console), "v": view, "asked": asked})

        known = request.headers.get("last-event-id") or request.query_params.get("have", "")
        own = () if page.is_same_for_all else (values["principal"], values["csrf"])
        key = (page.path, *sorted(fixed.params.items()), *own)
        return StreamingResponse(
            console.live.events(make, known, key), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    return [
        Route(page.path, html, methods=["GET"]),
        Route(f"{path}.json", json, methods=["GET"]),
        Route(f"{path}.live", stream, methods=["GET"]),
    ]


async def _view(console: Console, page: Page, request: Request) -> msgspec.Struct:
    return page.view(console.model, await _asked(console, page, request))


async def _asked(console: Console, page: Page, request: Request, is_stream: bool = False) -> Asked:
    params = {name: value for name, value in request.query_params.items() if name != "have"}
    loaded = None
    if page.load is not None and not (is_stream and page.loads_once):
        loaded = await page.load(console, params, request.state.principal.name)
    return Asked(params, console.clock.now(), loaded)


async def _values(console: Console, page: Page, request: Request, is_stream: bool = False) -> dict[str, Any]:
    asked = await _asked(console, page, request, is_stream)
    return {
        **_common(console, request),
        "page": page,
        "asked": asked,
        "v": page.view(console.model, asked),
        "here": str(request.url.path),
        "query": request.url.query,
    }


def _common(console: Console, request: Request) -> dict[str, Any]:
    return {
        **_present(console),
        "menu": [page for page in PAGES if page.menu],
        "principal": request.state.principal,
        "csrf": csrf(request.session, console.secret),
        "can_sign_out": not console.settings.sign_in.is_open,
    }


def _present(console: Console) -> dict[str, Any]:
    now = console.clock.monotonic()
    feed = console.model.feed
    return {
        "feed": feed,
        "feed_is_stale": feed.is_stale(now),
        "feed_age_s": feed.age_s(now),
        "judged_at": console.model.judged_at,
        "is_silent": console.model.is_silent(console.clock.now()),
        "now": console.clock.now(),
    }


async def _health(request: Request) -> Response:
    """200 while the feed is current, else 503: for a load balancer."""
    console: Console = request.app.state.console
    now = console.clock.monotonic()
    feed = console.model.feed
    fine = feed.is_complete and not feed.is_stale(now)
    return JSONResponse({"feed_age_s": feed.age_s(now), "behind": feed.behind}, 200 if fine else 503)


async def _not_found(request: Request, error: Exception) -> Response:
    return _message(request, 404, str(error))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        instead = elsewhere.meant(request.url.path)
        return _message(request, 404, f"There is no page {request.url.path[:200]}.", instead=instead)
    return _message(request, error.status_code, error.detail, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return _message(request, 503, str(error))


def _message(
    request: Request,
    status: int,
    text: str,
    headers: Mapping[str, str] | None = None,
    instead: elsewhere.Meant | None = None,
) -> Response:
    if elsewhere.is_for_programs(request.url.path, request.headers.get("accept", "")):
        error = f"{text} Did you mean {instead.path}? {instead.text}" if instead is not None and instead.path else text
        return JSONResponse({"error": error}, status, headers)
    console: Console = request.app.state.console
    values = {
        **_common(console, request),
        "status": status,
        "text": text,
        "here": "",
        "query": "",
        "page": None,
        "instead": instead,
    }
    made = rendering.page("message.html", values)
    return HTMLResponse(made.html, status, headers)
