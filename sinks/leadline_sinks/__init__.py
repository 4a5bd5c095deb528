"""Notification: route, deliver, record, show.

What is sent and when is decided by pure functions; every target is reached through one interface. Nothing is sent
twice, and nothing is forgotten while a target is away.

``notify``        when a target is notified of what, how that is delivered, and what is recorded of it
``http``          the only module that speaks HTTP
``slack``         one message per incident, edited in place, its life in the thread
``pagerduty``     PagerDuty, by its Events API v2
``webhook``       CloudEvents to any HTTP receiver
``console``       lines on standard output
``incident_log``  what happened, was notified and was done, in PostgreSQL
``runbook``       where the runbook of a rule is
``targets``       the sinks that the settings ask for
``service``       all of it as a process
"""
