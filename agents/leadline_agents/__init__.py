"""The agent on a database host: reads servers, keeps observations until Kafka has them, publishes.

It does no harm to a server: one connection per instance, bounded statements, no more rights than its engine documents,
bounded memory and disk. Secrets are removed here, before anything leaves the host.

Read:
``engine``     what the agent needs of a database engine
``engines``    one package per engine, and the registry that finds the engine of an instance
``host``       the cost of the agent, and the free space of volumes
``sockets``    the connections of a server's processes
``wire_form``  the form in which a look is sent: the whole sample, or its numbers alone
``trimming``   looks that are too large for a record
``sampler``    reads one instance at every interval, and numbers the observations

Keep:
``spool``      a bounded queue on disk
``journal``    a write-ahead journal of the observations that are in memory only
``outbox``     observations that Kafka has not acknowledged, in memory and on disk

Publish:
``channel``    one Kafka producer
``record_times``  the times of records, moved when brokers refuse them
``refused_size``  the size that Kafka refused lately
``publisher``  from the outbox to Kafka, in order per cluster

``backoff``    the wait before the next attempt to connect
``lean``       libraries without what an agent never uses
``service``    all of it as a process
``__main__``   ``python -m leadline_agents``, which the units of systemd start
"""
