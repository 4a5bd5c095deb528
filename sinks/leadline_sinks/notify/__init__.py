"""When a target is notified of what, how that is delivered, and what is recorded of it.

``sink``               the interface of a sink, and how every delivery ends

Decisions, without I/O:
``matching``           whether an incident is one of those that a route or a silence is for
``routing``            which targets an incident goes to
``notify_decision``    when to notify, and of what
``notification_log``   the record of an attempt
``self_incident``      a target that cannot be reached is an incident itself
``context``            silences, actions and deliveries, folded
``backoff``            how long to wait after a failure
``rate_limit``         how fast a target may be called
``breaker``            whether a target is worth an attempt

Work:
``notifier``           notifies one target of incidents
``incident_consumer``  a target's share of the incidents
``context_consumer``   the topics that a process reads as a whole
``kafka_writer``       writes records, however long Kafka is away
``reading``            decodes records, skips those that cannot be used
"""
