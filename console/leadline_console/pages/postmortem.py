"""The draft of a post-mortem, made from the incident log; or why there is none."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from leadline.errors import LeadlineError
from leadline_console.page import Asked, Page
from leadline_console.read_model import ReadModel

if TYPE_CHECKING:
    from leadline_console.shared import Console


class PostmortemPage(msgspec.Struct, frozen=True, kw_only=True):
    """A draft in Markdown. It is empty where ``why_not`` says why."""

    incident_id: str
    draft: str
    why_not: str


def view(model: ReadModel, asked: Asked) -> PostmortemPage:
    """``id`` is the identity of the incident."""
    loaded: PostmortemPage = asked.loaded
    return loaded


async def load(console: "Console", params: Mapping[str, str], who: str) -> PostmortemPage:
    """The draft of the incident whose identity begins with ``id``."""
    ident, settings = params.get("id", ""), console.settings
    if settings.incident_log.dsn is None:
        why = (
            "A draft is made from the incident log, and the console has none: set incident_log.dsn in its settings, or "
            f"run: leadline incidents export {ident} -c sink.yaml"
        )
        return PostmortemPage(incident_id=ident, draft="", why_not=why)
    from leadline_sinks.incident_log import reader
    from leadline_sinks.incident_log.postmortem.draft import draft

    try:
        async with reader.session(settings.incident_log.dsn.reveal()) as connection:
            known = reader.the_one(ident, await reader.beginning(connection, ident))
            history = await reader.history(connection, known)
    except LeadlineError as error:
        return PostmortemPage(incident_id=ident, draft="", why_not=str(error))
    return PostmortemPage(incident_id=known, draft=draft(history), why_not="")


PAGE: Final = Page("/postmortem", "Post-mortem", "postmortem.html", view, load=load)
