"""The records of the sinks that concern a link, a node or an incident, for an explanation. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline_console.read_model import ReadModel
from leadline_sinks.notify.matching import patterns_match
from leadline_streams.explain.held_back import Notified


def concerned(
    incidents: Iterable[Incident], cluster: str, about: Collection[str], named: Collection[str], at: datetime
) -> list[Incident]:
    """The incidents of a cluster that are ``named``, or that were open at a time and affect one of ``about``."""
    found = [each for each in incidents if each.cluster == cluster]
    return [each for each in found if each.incident_id in named or _affects(each, about, at)]


def _affects(record: Incident, about: Collection[str], at: datetime) -> bool:
    affected = {record.incident_id, *record.affected.links, *record.affected.nodes}
    lasts = record.resolved_at is None or at <= record.resolved_at
    return bool(affected & set(about)) and record.opened_at <= at and lasts


def notified(
    ours: Sequence[Incident],
    named: Collection[str],
    deliveries: Iterable[Delivery],
    actions: Sequence[Action],
    silences: Iterable[Silence],
) -> Notified:
    """Deliveries of the incidents, actions on them, and the silences that match one."""
    idents = {each.incident_id for each in ours} | set(named)
    return Notified(
        deliveries=[each for each in deliveries if each.incident_id in idents],
        actions=actions,
        silences=[each for each in silences if any(patterns_match(each.matchers, one) for one in ours)],
    )


def as_read(model: ReadModel, cluster: str, about: Collection[str], named: Collection[str], at: datetime) -> Notified:
    """The same from what the console has read; the last delivery of each incident to each target."""
    records = [*model.open_incidents.values(), *model.resolved_incidents.values()]
    ours = concerned(records, cluster, about, named, at)
    idents = sorted({each.incident_id for each in ours} | set(named))
    deliveries = [each for ident in idents for each in (model.deliveries.get(ident) or {}).values()]
    actions = [each for ident in idents for each in model.actions.get(ident) or ()]
    return notified(ours, named, deliveries, actions, model.silences.values())
