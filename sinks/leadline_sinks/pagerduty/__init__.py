"""PagerDuty, by its Events API v2: one alert per incident, under one deduplication key until it is resolved.

An incident that gets worse after somebody acknowledged it, or that returns after its end, gets another alert, under
the key ``<incident_id>#<generation>``: PagerDuty appends further events to an acknowledged alert and notifies nobody of
them (02-Trigger-Events, Alert De-Duplication). All its alerts are resolved with the incident. An alert that somebody
resolved by hand while the incident is open is opened again: it is triggered again each ``notify.reopen_s``, which
PagerDuty appends to an alert that is open, and which opens another under the same key where none is.

PagerDuty repeats and escalates by itself, so it gets a new event only when the severity, the title, the first cause or
the state has changed. Configuration changes are change events: they notify nobody and are shown beside the incident.

``limits``  PagerDuty's limits, and their sources
``event``   an incident as events
``receipt`` the state of an incident at PagerDuty, and the events that are due
``answer``  the failure that a response reports
``sink``    the sink
``change_consumer`` sends every change when it is seen, where the settings ask for it
"""
