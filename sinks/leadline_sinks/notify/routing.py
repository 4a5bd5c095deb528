"""The targets that are notified of an incident."""

from collections.abc import Iterator

from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.matching import glob, route_matches
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


def may_receive(settings: SinkSettings, target: str, cluster: str, datacenter: str) -> bool:
    """Whether the routes may lead an incident of a cluster to a target, whatever its severity, rules and labels are."""
    for route in settings.routes:
        match = route.match
        if (match.cluster is not None and not glob(match.cluster, cluster)) or (
            match.datacenter is not None and not glob(match.datacenter, datacenter)
        ):
            continue
        if target in route.to:
            return True
        if match.rule is None and match.severity == "info" and not match.labels and not route.continue_:
            return False
    return target in (settings.names() if settings.default is None else settings.default)


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
