"""Telling people: route, deliver, record, show.

What to say and when is decided by pure functions; vendors are spoken to through one contract; nothing is told twice,
and nothing is forgotten while a target is away.

``contract``      what a sink is given, and how every delivery ends
``http``          the only module that speaks HTTP
``pagerduty``     PagerDuty, by its Events API v2
``webhook``       CloudEvents to any HTTP receiver
``console``       lines on standard output
``incident_log``  what happened, was said and was done, in PostgreSQL
``runbook``       where the runbook of a rule is
``receiver``      a local stand-in for the vendors
"""
