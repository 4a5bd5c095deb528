"""The agent on a database host: look, spool, publish.

Must never hurt the server it watches: one connection per instance, bounded statements, ``pg_monitor`` and no more,
bounded memory and disk. What must not leave the host is taken out here.

Look, for each instance:
``catalog``    which SQL a server of this version is asked; the SQL is in ``queries/``, one file per group and version
``probe``      one connection: ask a question, be patient for so long, connect again
``trouble``    why a server could not be read, in one line
``document``   the shape of the answers
``rows``       answers as observations
``workers``    when the tables of logical replication are worth a look
``replies``    how long ago a replica last answered its sender
``masking``    queries, connection strings and commands without their secrets
``host``       the agent's own cost, and the disk when it is here
``sampler``    one instance at every interval

Spool:
``spool``      a bounded queue on disk
``journal``    what is not in the spool yet, written ahead
``outbox``     what Kafka has not acknowledged, in memory and on disk

Publish:
``channel``    one Kafka producer
``publisher``  from the outbox to Kafka, in order per cluster

``service``    all of it as a process
"""
