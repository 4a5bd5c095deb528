"""Addresses of an incident's pages in the console, where people look, acknowledge and silence. Pure."""

from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings

OPEN: Final = "Open in the console"
SILENCE: Final = "Silence it"
SILENCE_SUCH: Final = "Silence such incidents"


class ConsoleLink(NamedTuple):
    """A page of the console."""

    title: str
    url: str
    """Percent-encoded, so it is safe in any markup."""


def incident_url(incident: Incident, notify: NotifySettings) -> str | None:
    """The address of an incident's page; None where the settings give no console."""
    return None if notify.console_url is None else f"{notify.console_url}/incident?{_query(id=incident.incident_id)}"


def console_links(incident: Incident, notify: NotifySettings) -> list[ConsoleLink]:
    """The incident's page, and the form that silences it, or such incidents once it is over; none without a console.

    Of an announcement of silences, the page of silences.
    """
    page = incident_url(incident, notify)
    if page is None:
        return []
    silences = f"{notify.console_url}/silences"
    if incident.announcement is not None:
        return [ConsoleLink("Silences in the console", silences)]
    shown = [ConsoleLink(OPEN, page)]
    if incident.state == "open" and not incident.silenced_by:
        shown.append(ConsoleLink(SILENCE, f"{silences}?{_query(incident=incident.incident_id)}"))
    elif incident.state == "resolved" and incident.merged_into is None and (matchers := such_matchers(incident)):
        shown.append(ConsoleLink(SILENCE_SUCH, f"{silences}?{_query(**matchers)}"))
    return shown


def such_matchers(incident: Incident) -> dict[str, str]:
    """Matchers of a silence for incidents like one that has ended: its cluster, and its cause or else its first rule;
    empty where neither is known, since a silence of the whole cluster would hide other problems."""
    cause = next((each.code for each in incident.causes[:1] if each.code != "unknown"), "")
    if cause:
        return {"cluster": incident.cluster, "cause": cause}
    return {"cluster": incident.cluster, "rule": incident.rules[0]} if incident.rules else {}


def _query(**values: str) -> str:
    return urlencode(values, quote_via=quote, safe="", errors="replace")
