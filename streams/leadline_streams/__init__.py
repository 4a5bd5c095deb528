"""The judgement: samples in, verdicts, alerts, incidents and their causes out.

``judge``        pure: event order, lag, verdicts, the life of alerts, incidents
``rules``        pure: one rule per file
``causes``       pure: one cause per file
``policies``     settings as the policy of the judgement
``app``          the Faust application; the only file, with ``transport``, that knows Faust
``transport``    batches of records through Faust
``worker``       what is done with the partitions: judge, send, keep safe, tick
``log``          what a worker needs of Kafka
``partition``    one partition's share: what each cluster has seen and how much of it is safe
``saved``        a cluster's state as it is written, and where to read on
``census``       clusters, links and incidents counted for the metrics
``deadletters``  how many records that cannot be used are too many
``replay``       recorded samples judged again
``picture``      the fleet as a terminal shows it
``reference``    the page of all causes

Must never: read a clock to decide something, or do I/O outside ``app`` and ``replay``.
"""
