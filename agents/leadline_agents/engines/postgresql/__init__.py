"""PostgreSQL as an agent reads it: the SQL sent to a server, and its answers as observations.

``instance``        one server as an ``EngineInstance``: what is asked at which look
``catalog``         the SQL for a version of the server; statements are in ``queries/``, a file per group and version
``reader``          asks the queries, without what the server refuses
``refusals``        the parts that are left out, and their names in a sample
``parts``           functions and views that a server may refuse, with a stub for each
``rights``          the rights on a server, and the service that runs it
``rights_report``   what a server shows to a role, group by group, for people to send
``probe``           one session at a time: sends a statement, waits a bounded time, reconnects
``own_names``       the names that a server has for itself
``session``         opens a session of the agent's own; refuses a pooler
``poolers``         poolers, recognized before anything that could outlive a look is sent to one
``connection``      connections that keep the SQLSTATE with which a server refuses one
``connect_errors``  the reason that a server could not be read, in one line
``answers``         the shape of the answers
``vitals``          the look that vitals show: when they may be read, and what they must be compared with
``vital_rows``      its rows
``vital_answers``   the shape of the answer about vitals
``observations``    answers as observations
``same_names``      subscriptions of one name in several databases
``audit_look``      the look of an audit, beside the samples
``audit_trimming``  such looks as they are published, without what no rule reads
``history``         state kept between looks: ages of replies, workers of logical replication
``log_reader``      when the server log is read, and by which right
``log_records``     records of a server log in each of its forms
``log_selection``   messages about replication, without the data in them
``log_texts``       messages that only their text identifies, in four languages
``masking``         queries, connection strings and commands without their secrets
"""
