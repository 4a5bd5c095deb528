"""Notification of targets: the decisions, the deliveries, and their records in Kafka.

``sink``               the interface of a sink, and the outcomes of a delivery

Decisions, without I/O:
``matching``           whether a route or silence matches an incident
``incident_index``     incidents by the values that silences match
``matchable``          the matchers of a silence, as people give them
``known_names``        the names that incidents can have, and the refusal of matchers that match none
``announced_to``       the targets that are notified of silences
``routing``            the targets of an incident
``hours``              the hours in which people work
``situation``          the facts on which a decision depends
``acknowledgements``   the generations of an incident that acknowledgements cover
``occasions``          the occasion of the next notification, and when it is due
``shown_silence``      the silence that the message of an incident shows
``notify_decision``    when a target is notified, and of what
``next_delivery``      the incident that is delivered next
``delivery_records``   the records of attempts
``self_incident``      the incident about a target that cannot be reached
``datacenter_incident``  the incident about a datacenter that many clusters have lost
``silence_announcements``  what is announced when silences begin and end
``announcement_records``  the records of such an announcement
``together``           the silences that may be announced together
``context``            silences, actions, last deliveries and lost datacenters
``pacing``             waits between attempts, token bucket, circuit breaker

Work:
``apart``              work about one thing whose defect leaves the others alone
``notifier``           delivers incidents to one target
``tracked_incident``   an incident that is not finished
``attempts``           one attempt at a time, and their failures
``incident_consumer``  reads a target's share of the incidents
``group_watch``        that a consumer gets its share of the partitions
``context_consumer``   reads the topics that a process needs completely
``lease``              whether the incidents are still this process's
``kafka_reader``       consumers that reconnect; decoding of records
``dead_letters``       where records go that cannot be used
``kafka_writer``       writes records, however long Kafka is away
"""
