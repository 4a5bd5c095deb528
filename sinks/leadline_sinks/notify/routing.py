"""The targets that are notified of an incident."""

from collections.abc import Iterator
from datetime import datetime
from math import inf

from leadline.model.incident import Incident
from leadline.settings.routing import RouteSettings
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.hours import until_hours_s
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


def until_routed_s(
    settings: SinkSettings, incident: Incident, target: str, now: datetime, unacknowledged_s: float | None
) -> float:
    """Seconds until the routes lead an incident to a target: 0 for now, infinity for never as things are.

    ``unacknowledged_s`` is the time for which nobody has acknowledged it; None when somebody has.
    """
    matching = list(_matching(settings, incident))
    if target == CONSOLE or not matching or failing_target(incident) is not None:
        return 0.0 if target in targets(settings, incident) else inf
    return min((_wait_s(route, incident, target, now, unacknowledged_s) for route in matching), default=inf)


def _wait_s(
    route: RouteSettings, incident: Incident, target: str, now: datetime, unacknowledged_s: float | None
) -> float:
    closed_s = until_hours_s(route.hours, now) if route.hours is not None else 0.0
    is_page = incident.class_ == "page"
    waits = [inf]
    if target in route.to:
        is_held = route.outside_to is not None or route.hold == "pages" or not is_page
        waits.append(closed_s if is_held else 0.0)
    if closed_s and target in (route.outside_to or ()):
        waits.append(0.0)
    if is_page and incident.state == "open" and unacknowledged_s is not None:
        waits += [max(0.0, step.after_s - unacknowledged_s) for step in route.escalate if target in step.to]
    return min(waits)


def may_receive(settings: SinkSettings, target: str, cluster: str, datacenter: str) -> bool:
    """Whether the routes may lead an incident of a cluster to a target, whatever its severity, rules and labels are."""
    for route in settings.routes:
        match = route.match
        if (match.cluster is not None and not glob(match.cluster, cluster)) or (
            match.datacenter is not None and not glob(match.datacenter, datacenter)
        ):
            continue
        if any(target == name for _, name in route.names()):
            return True
        if match.rule is None and match.severity == "info" and not match.labels and not route.continue_:
            return False
    return target in (settings.names() if settings.default is None else settings.default)


def _routed(settings: SinkSettings, incident: Incident) -> Iterator[str]:
    matching = list(_matching(settings, incident))
    for route in matching:
        yield from route.to
    if not matching:
        yield from settings.names() if settings.default is None else settings.default


def _matching(settings: SinkSettings, incident: Incident) -> Iterator[RouteSettings]:
    """The routes of an incident."""
    for route in settings.routes:
        if route_matches(route.match, incident):
            yield route
            if not route.continue_:
                return
