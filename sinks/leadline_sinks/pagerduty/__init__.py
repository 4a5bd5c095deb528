"""PagerDuty, by its Events API v2: one alert per incident, under one deduplication key from the first word to the last.

PagerDuty repeats and escalates by itself, so it is told again only when the severity, the title, the first cause or the
state became different. Configuration changes are change events: they notify nobody and stand beside the incident.

``limits``  what PagerDuty takes, and where that is written
``event``   an incident as events
``receipt`` what PagerDuty knows of an incident, and what it is to be told next
``answer``  what an answer of PagerDuty means
``sink``    posts what is due
"""
