"""The pure core: a fold over the observations of one cluster. No clock, no I/O, no framework.

``cluster``          ``ClusterState.observe`` and ``tick``: the fold itself
``alerting``         measurements to alerts, transitions and the incident
``watermark``        arrivals put into event-time order; duplicates, late ones, wrong clocks
``state``            what is remembered of a cluster, its nodes and links; bytes and back
``lsn_clock``        when the primary was at a position: lag that needs no second clock
``link_progress``    what one link has done: position, lag, trend, connection
``verdict``          what a link is doing now, judged from both ends
``throughput``       how fast a primary writes and its links carry, now and before an incident
``timers``           what becomes due without a new observation
``setting_changes``  what differs between two readings of the settings
``counters``         counts of events over the last minutes of event time
``policy``           thresholds and for whom they hold
``effective_rules``  which rules hold for a subject, with which limits
``subject``          subjects by identity
``rule``             what a rule is, and what it may read
``lifecycle``        pending, firing, unknown, resolved
``diagnosis``        an open incident's causes
``incident``         one open period of trouble on a cluster
``rollup``           lag over 10 and 60 seconds for analytics
"""
