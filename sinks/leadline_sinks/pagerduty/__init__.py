"""PagerDuty, by its Events API v2: one alert per incident, under one deduplication key until it is resolved.

PagerDuty repeats and escalates by itself, so it gets a new event only when the severity, the title, the first cause or
the state has changed. Configuration changes are change events: they notify nobody and are shown beside the incident.

``limits``  PagerDuty's limits, and their sources
``event``   an incident as events
``receipt`` the state of an incident at PagerDuty, and the events that are due
``answer``  the failure that a response reports
``sink``    the sink
"""
