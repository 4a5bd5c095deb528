"""Telling people: route, deliver, record, show.

What to say and when is decided by pure functions; vendors are spoken to through one contract; nothing is told twice,
and nothing is forgotten while a target is away.

What a sink is, and the sinks:

``contract``      what a sink is given, and how every delivery ends
``http``          the only module that speaks HTTP
``slack``         one message per incident, edited in place, its life in the thread
``pagerduty``     PagerDuty, by its Events API v2
``webhook``       CloudEvents to any HTTP receiver
``console``       lines on standard output
``incident_log``  what happened, was said and was done, in PostgreSQL
``runbook``       where the runbook of a rule is
``receiver``      a local stand-in for the vendors

What decides, without I/O:

``matching``      whether an incident is one of those that a route or a silence is for
``routing``       who is to be told of an incident
``timing``        when to tell, and what
``telling``       what is written down of it
``trouble``       a target that cannot be told is an incident itself
``backoff``       how long to wait after a failure
``bucket``        how fast a target may be spoken to
``breaker``       whether a target is worth an attempt
``known``         silences, actions and deliveries, folded

What works:

``courier``       brings incidents to one target
``reading``       decoding records, passing over bad ones
``journal``       writing records, however long Kafka is away
``follower``      the topics that a process reads as a whole
``feed``          a target's share of the incidents
``recording``     what goes into the incident log
``targets``       the sinks that the settings ask for
``service``       all of it as a process
"""
