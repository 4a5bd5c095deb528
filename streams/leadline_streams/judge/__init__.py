"""The pure core: a fold over the observations of one cluster. No clock, no I/O, no framework.

``cluster``    ``ClusterState.observe`` and ``tick``: the fold itself
``alerting``   measurements to alerts, transitions and the incident
``check``      what an observation must hold beyond its types
``calm``       what needs no rule to be asked
``glance``     one more second of what was well, at a fraction of the cost
``order``      arrivals put into event-time order; duplicates, late ones, wrong clocks
``memory``     what is remembered of a cluster, its nodes and links; bytes and back
``topology``   which node follows which
``lsn_clock``  when the primary was at a log position: lag that needs no second clock
``progress``   what one link has done: position, lag, trend, connection
``verdict``    what a link is doing now, judged from both ends
``pace``       how fast a primary writes and its links carry, now and before an incident
``due``        what will happen by itself
``changes``    what differs between two looks at the settings
``events``     counters that rise when something goes wrong, into windows
``retention``  what a slot keeps log for, and how fast that grows
``window``     counts of events over the last minutes of event time
``policy``     thresholds and for whom they hold
``plans``      which rules hold for a subject
``subject``    subjects by identity
``rule``       what a rule is, what it looks at
``lifecycle``  pending, firing, unknown, resolved
``reach``      what an agent's error says about its server
``synchronous``  what commits wait for, and who is there to confirm them
``stages``     where on its way the log of a link waits
``cause``      what a cause is, and how causes are ranked
``casefile``   an incident's cluster laid out for the causes
``apply``      subscriptions in trouble: their worker, counters, slot and publisher
``drift``      where the tables of a subscriber are not as its publisher sends them
``incident``   one open period of trouble on a cluster
``rollup``     lag over 10 and 60 seconds for analytics
"""
