"""The targets that are notified of an incident."""

from collections.abc import Iterator

from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.matching import route_matches
from leadline_sinks.notify.self_incident import failing_target

CONSOLE = "console"


def targets(settings: SinkSettings, incident: Incident) -> frozenset[str]:
    """The names of the targets for an incident. The first route that matches decides; with ``continue``, later ones
    are added.

    A console that is enabled gets every incident. A target is not notified of its own failure; when the routes lead
    to no other target, all others are notified.
    """
    configured = frozenset(settings.names())
    chosen = (frozenset(_routed(settings, incident)) | {CONSOLE}) & configured
    failing = failing_target(incident)
    if failing is not None:
        chosen = (chosen - {failing}) or (configured - {failing} if chosen else chosen)
    return chosen


def _routed(settings: SinkSettings, incident: Incident) -> Iterator[str]:
    matched = False
    for route in settings.routes:
        if route_matches(route.match, incident):
            matched = True
            yield from route.to
            if not route.continue_:
                return
    if not matched:
        yield from settings.names() if settings.default is None else settings.default
