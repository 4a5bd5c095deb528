"""An incident as an alert of Alertmanager's API v2. Pure.

Its labels are its identity there: an alert with another severity is another alert, and the one before must be ended.
Names of labels that Prometheus does not allow are changed (prometheus/alertmanager, before UTF-8 names in 0.27).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from leadline.headline import first_line
from leadline.logs import escape
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline.wire import timestamp
from leadline_sinks.message_parts import MessagePart
from leadline_sinks.runbook import runbook_url

Labels = dict[str, str]
LABEL_CHARACTERS: Final = 255
"""Of a value. Our own limit, as the next ones; Alertmanager has none."""
LABELS: Final = 40
DESCRIPTION_CHARACTERS: Final = 8000
_NOT_ALLOWED: Final = re.compile(r"[^a-zA-Z0-9_]")


def labels(incident: Incident) -> Labels:
    """The labels: the first rule as ``alertname``, severity, cluster, datacenters, identity, and those of the nodes."""
    own = {
        "alertname": incident.rules[0] if incident.rules else "leadline_incident",
        "severity": incident.severity,
        "cluster": incident.cluster,
        "datacenter": ",".join(sorted(place for place in incident.datacenters if place)),
        "incident": incident.incident_id,
        "source": "leadline",
    }
    given = {_name(name): value for name, value in list(incident.labels.items())[:LABELS]}
    return {name: escape(value, LABEL_CHARACTERS) for name, value in (given | own).items() if name and value}


def alert(
    found: Mapping[str, str],
    annotations: Mapping[str, str],
    starts_at: datetime,
    ends_at: datetime,
    source: str | None = None,
) -> dict[str, Any]:
    """One alert of a request. The end is later than the beginning, which Alertmanager demands.

    ``source``: the address to which the link *Source* of Alertmanager's pages leads.
    """
    return {
        "labels": dict(found),
        "annotations": dict(annotations),
        "startsAt": timestamp(min(starts_at, ends_at - timedelta(seconds=1))),
        "endsAt": timestamp(ends_at),
        **({"generatorURL": source} if source else {}),
    }


def annotations(incident: Incident, parts: Sequence[MessagePart], notify: NotifySettings) -> dict[str, str]:
    """The texts for people: the first line, everything below it, and the runbook."""
    lines = [line for part in parts for line in (f"{part.heading}:", *(f"  {each.text}" for each in part.lines))]
    text = "\n".join(lines)
    if len(text) > DESCRIPTION_CHARACTERS:
        text = text[: text.rfind("\n", 0, DESCRIPTION_CHARACTERS)] + "\n…"
    url = runbook_url(incident.rules[0], notify) if incident.rules else None
    given = {
        "summary": escape(first_line(incident)),
        "description": text,
        "cause": escape(incident.causes[0].code, 100) if incident.causes else "",
        "acknowledged_by": escape(incident.acknowledged_by or "", 255),
        "runbook_url": url or "",
    }
    return {name: value for name, value in given.items() if value}


def _name(name: str) -> str:
    """A name of a label with the characters that are allowed; empty where nothing remains of it."""
    made = _NOT_ALLOWED.sub("_", name)[:LABEL_CHARACTERS]
    return f"_{made}" if made[:1].isdigit() else made if made.strip("_") else ""
