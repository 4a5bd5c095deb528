"""The person who has acknowledged an incident as it is now, by the actions that are known. Pure."""

from leadline.model.action import Action
from leadline.model.incident import Incident
from leadline_console.read_model import ReadModel
from leadline_sinks.notify.acknowledgements import coverage


def acknowledgement(model: ReadModel, incident: Incident) -> Action | None:
    """The last acknowledgement that covers the present generation of an incident; None without one."""
    given = [
        each
        for each in model.actions.get(incident.incident_id) or ()
        if each.kind == "acknowledge" and coverage(each, None) >= incident.generation
    ]
    return given[-1] if given else None


def earlier(model: ReadModel, incident: Incident) -> Action | None:
    """The last acknowledgement, where it does not cover what the incident has become since; None without one."""
    if acknowledgement(model, incident) is not None:
        return None
    given = [each for each in model.actions.get(incident.incident_id) or () if each.kind == "acknowledge"]
    return given[-1] if given else None
