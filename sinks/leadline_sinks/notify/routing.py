"""Who is to be told of an incident."""

from collections.abc import Iterator

from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.matching import matches
from leadline_sinks.notify.self_incident import about

CONSOLE = "console"


def targets(settings: SinkSettings, incident: Incident) -> frozenset[str]:
    """Names of the targets that an incident is for. The first route that fits decides; with ``continue``
    later ones too.

    The console, where there is one, is told everything. A target is not told about its own trouble; when the routes
    lead nowhere else, every other target is.
    """
    named = frozenset(settings.names())
    told = (frozenset(_routed(settings, incident)) | {CONSOLE}) & named
    failing = about(incident)
    if failing is not None:
        told = (told - {failing}) or (named - {failing} if told else told)
    return told


def _routed(settings: SinkSettings, incident: Incident) -> Iterator[str]:
    found = False
    for route in settings.routes:
        if matches(route.match, incident):
            found = True
            yield from route.to
            if not route.continue_:
                return
    if not found:
        yield from settings.names() if settings.default is None else settings.default
