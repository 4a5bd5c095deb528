"""The draft of a post-mortem, in Markdown. Pure: the same history gives the same draft.

The draft states what is in the incident log. Questions that only people can answer are in italics, each in its place.
"""

from collections.abc import Iterator

from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import code, table, text
from leadline_sinks.incident_log.postmortem.impact import breaches
from leadline_sinks.incident_log.postmortem.measures import measures
from leadline_sinks.incident_log.postmortem.response import response, timeline
from leadline_sinks.incident_log.postmortem.root_cause import root_cause
from leadline_sinks.incident_log.postmortem.roots import ranked_first
from leadline_sinks.incident_log.postmortem.summary import summary


def draft(history: IncidentHistory) -> str:
    """The whole page."""
    found = breaches(history.transitions)
    sections = (_head(history), summary(history, found), response(history), timeline(history), root_cause(history))
    lines = [line for section in (*sections, measures(history, found)) for line in (*section, "")]
    return "\n".join(lines)


def _head(history: IncidentHistory) -> Iterator[str]:
    incident = history.incident
    where = ", ".join(map(text, incident.datacenters)) or "not given"
    yield f"# Post-mortem: {text(ranked_first(history).title)}"
    yield ""
    yield "A draft from the incident log. *Replace each text in italics with what only people know.*"
    yield ""
    yield from table(
        ("Incident", code(incident.incident_id)),
        [
            ("Cluster", text(incident.cluster)),
            ("Datacenters", where),
            ("State", incident.state),
            ("Severity", _severity(history)),
            ("Alerts", ", ".join(map(code, incident.rules)) or str(len(incident.alerts))),
            ("Owner of this page", "*name*"),
        ],
    )


def _severity(history: IncidentHistory) -> str:
    last, worst = history.incident.severity, history.peak_severity
    return worst if worst == last else f"{worst} at its worst, {last} at the end"
