"""The incident log in PostgreSQL: incidents, their alerts, deliveries and actions, changes of servers and results of
audits, append-only; lists and post-mortems.

Every record of these topics is stored once, as a row whose hash covers the row before it. Notification never waits for
the incident log: while its server is away, targets are notified as usual.

``log_consumer``      brings records from Kafka into the incident log
``chain``             the hash of a row, and the verification of the chain; pure
``rows``              a record of Kafka as a row; pure
``connection``        one connection, with limits on the time of each operation
``pg_errors``         what an error of the server means for a batch or a read; pure
``schema``            the schema ``leadline`` and its migrations
``appending``         appends rows to the chain
``writer``            writes batches of records
``recurrence``        incidents that can return, by what audits find; pure
``guard``             compares audits with the incidents that have ended
``retention``         removes the oldest rows, and leaves a checkpoint
``reader``            lists, histories, verification
``trail``             changes of servers and results of audits by time
``incident_table``    the table of incidents, compared with the chain; pure
``history_words``     results of audits in one line; pure
``incident_history``  the history of one incident; pure
``terminal``          a history on a terminal; pure
``markdown``          foreign text in Markdown; pure
``phrases``           subjects, values and times in words; pure
``postmortem``        a history as the draft of a post-mortem, a file for each section; pure
"""
