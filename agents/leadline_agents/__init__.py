"""The agent on a database host: read, spool, publish.

It must never hurt the server it watches: one connection per instance, bounded statements, ``pg_monitor`` and no more,
bounded memory and disk. Secrets are removed here, before anything leaves the host.

Read, for each instance:
``engines``    one package per engine: connect, ask, and the answers as observations
``host``       the agent's own cost, and the disk when it is here
``sampler``    reads one instance at every interval

Spool:
``spool``      a bounded queue on disk
``journal``    what is not in the spool yet, written ahead
``outbox``     what Kafka has not acknowledged, in memory and on disk

Publish:
``channel``    one Kafka producer
``publisher``  from the outbox to Kafka, in order per cluster

``service``    all of it as a process
"""
