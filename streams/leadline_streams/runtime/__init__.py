"""The stream processor as a process.

``app``               the Faust application; with ``transport`` and ``recovery`` the only file that imports Faust
``transport``         batches of records through Faust
``recovery``          reads the states once the partitions are this worker's
``worker``            what is done with the partitions: judge, send, save, tick
``beside``            long calls beside the event loop
``saving``            writes the states of clusters, each after its outputs
``partition``         one partition: its clusters, and up to which offset each is saved
``shadow_report``     steps of shadow rules, logged and counted
``kafka_log``         Kafka as a worker needs it, through the clients of the application
``interfaces``        what a worker needs of Kafka
``reading``           what a record holds
``restoring``         clusters from their saved states
``fold``              a cluster as a partition holds it, and the interface of its judgement
``cluster_failure``   failures to judge one cluster, and the incident about them
``fitting``           outputs that are too large for a record
``snapshot``          a cluster's state as it is saved, and the offset to read on from
``counting``          counters of what records led to
``gauges``            clusters, links and incidents counted for the metrics
``subject_rows``      the gauges of each link, node and slot that is seen
``deadletter_limit``  how many records that cannot be used are too many
"""
