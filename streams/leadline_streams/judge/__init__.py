"""The pure core: a fold over the observations of one cluster. No clock, no I/O, no framework.

``cluster``          ``ClusterState.observe`` and ``tick``: the fold itself
``judgement``        the engines, rules, causes and policy that clusters are judged by
``tracer``           the interface of an observer of the fold, which explains it
``looks``            samples and vitals: what they change, and the judging of their node and its links
``judging``          judges nodes and links: verdicts, rules, statuses
``engine``           what the judgement asks of an engine
``sources``          the sources of observations, and what of them waits
``watermark``        arrivals put into event-time order; duplicates, late ones, wrong clocks
``state``            what is remembered of a cluster; bytes and back
``node_state``       what is remembered of a node
``link_state``       what is remembered of a link, and its lag in the present windows
``problem_state``    what is remembered of alerts, incidents and reports
``limits``           limits of one cluster, and what is beyond them
``links``            the links of a cluster, by identity and by node
``nodes``            the nodes, by name and by what they show
``packed_sample``    what vitals lack of the sample that they stand on, as bytes
``packed_vitals``    the newest vitals of a node, as in their record
``nothing``          the empty table that fields share
``shared_texts``     names in a state that was read, each as one object
``lookup``           one of many slots, senders or subscriptions, found by a field
``view``             a cluster while one subject is judged
``chain``            the chain of servers above a link
``position_clock``   when the primary was at a position: lag that needs no second clock
``link_progress``    whether a link is connected, its position, lag and trend
``verdict``          the present state of a link in one word, judged from both ends
``throughput``       how fast a primary writes and its links carry, now and before an incident
``wiring``           links, discovered anew when neighbours change
``retiring``         nodes that are gone for good are forgotten
``departure``        the evidence for that
``timers``           what becomes due without a new observation
``server_settings``  the settings of a server, as what differs from those of others
``setting_changes``  what differs between two readings of the settings
``same_address``     another server at the address of a node, as behind a virtual IP address that moves
``shared_names``     two agents that send under one node name
``counters``         counts of events over the last minutes of event time
``policy``           thresholds and for whom they hold
``effective_rules``  which rules hold for a subject, with which limits
``subject``          subjects by identity
``rule``             a rule, and the contexts that rules measure
``alerting``         measurements and findings to alerts, transitions and incidents
``reports``          findings that no sample shows
``auditor``          what the judgement asks of an audit
``look_changes``     what differs between two looks of the audit
``audits``           when a cluster is audited, and so much of it at each tick
``audit_state``      what is remembered of audits
``audit_findings``   the result of an audit, and the alerts of what it found
``audit_notices``    notices of an audit, one for each of its rules, and the digest
``lifecycle``        pending, firing, unknown, resolved
``diagnosis``        the causes of open alerts
``incident``         one incident: its timeline, severity and record
``topology``         the alerts that a subject can bring about
``one_moment``       links that were cut off in one moment
``signs``            the causes of which there are signs, and which have one root
``grouping``         the causes of each open problem
``one_problem``      problems compared: which are one, which alerts belong to another
``reported_causes``  the causes of an incident as its records have them
``problems``         an incident for each problem: opened, merged, parted, ended, reopened
``notices``          notices, shown with the incident whose cause explains them
``unseen``           servers that are referred to and not watched
``status``           the status of links and nodes, and when a record of it is due
``rollup``           lag over 10 and 60 seconds for analytics
"""
