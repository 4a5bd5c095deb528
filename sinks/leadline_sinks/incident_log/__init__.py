"""The incident log in PostgreSQL: what happened, was notified and was done; append-only. And what reads it.

Every transition, incident record, delivery and action is a row, once, and each row's hash covers the row before it. It
never decides what people are notified of, and nobody waits for it: while its server is away, pages go out.

``log_consumer``      brings records from Kafka into the log
``chain``             the hash of a row, and how a changed chain is detected; pure
``rows``              a record of Kafka as a row; pure
``connection``        one connection, with limits on how long anything may take
``pg_errors``         what an error of the server means for a batch or a read; pure
``schema``            the schema ``leadline``: applies the steps in the folder migrations
``writing``           appending to the chain
``recorder``          writes records
``retention``         removes what is over, and leaves a checkpoint
``reader``            lists, whole incidents, verification
``incident_history``  what is known of one incident, put together; pure
``terminal``          an incident's history on a terminal; pure
``impact``            what an incident did to links and data; pure
``measures``          what to do so that a cause does not come back
``markdown``          foreign text in Markdown; pure
``phrases``           subjects, values and times in words; pure
``postmortem``        an incident's history as the draft of a post-mortem; pure
"""
