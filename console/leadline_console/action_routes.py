"""The addresses to which the forms of pages are sent. Each answers with the page that shows what was done.

A record is taken into the model as soon as Kafka has it, so that the page that follows shows it.
"""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadline import wire
from leadline.errors import UsageError
from leadline.model.action import Action
from leadline.model.silence import Silence
from leadline_console.actions import acknowledged, expired, noted, silenced
from leadline_console.rendering import to
from leadline_console.roles import Principal
from leadline_console.security import checked_form
from leadline_console.shared import Console


async def _acknowledge(request: Request) -> Response:
    principal, form = await _form(request, "ack")
    console = _console(request)
    given = form.get("generation", "")
    generation = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else None
    action = acknowledged(console.model, form.get("id", ""), generation, principal.name, console.clock.now())
    return await _done(request, action, to("/incident", id=action.incident_id))


async def _note(request: Request) -> Response:
    principal, form = await _form(request, "ack")
    console = _console(request)
    ident, text, as_of = (form.get(name, "") for name in ("id", "text", "as_of"))
    try:
        action = noted(console.model, ident, text, principal.name, as_of, console.clock.now())
    except UsageError as error:
        raise HTTPException(422, str(error)) from None
    return await _done(request, action, to("/incident", id=action.incident_id))


async def _silence(request: Request) -> Response:
    principal, form = await _form(request, "admin")
    console = _console(request)
    try:
        silence = silenced(console.model, form, principal.name, console.clock.now())
    except UsageError as error:
        raise HTTPException(422, str(error)) from None
    return await _done(request, silence, "/silences")


async def _expire(request: Request) -> Response:
    principal, form = await _form(request, "admin")
    console = _console(request)
    ended = expired(console.model, form.get("id", ""), principal.name, console.clock.now())
    return await _done(request, ended, "/silences")


async def _done(request: Request, record: Action | Silence, page: str) -> Response:
    """Write the record, and lead to the page; for a program, the record itself."""
    console = _console(request)
    await console.publish(record)
    console.model.take(record)
    if "application/json" in request.headers.get("accept", ""):
        return Response(wire.encode(record), media_type="application/json")
    return RedirectResponse(page, 303)


async def _form(request: Request, role: str) -> tuple[Principal, dict[str, str]]:
    principal, form = await checked_form(request, role)
    return principal, {name: value for name, value in form.items() if isinstance(value, str)}


def _console(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


ACTION_ROUTES: Final = (
    Route("/incident/acknowledge", _acknowledge, methods=["POST"]),
    Route("/incident/note", _note, methods=["POST"]),
    Route("/silences/add", _silence, methods=["POST"]),
    Route("/silences/expire", _expire, methods=["POST"]),
)
"""The paths to which forms are sent."""
