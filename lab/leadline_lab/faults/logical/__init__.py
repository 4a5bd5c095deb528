"""Faults of logical replication, by what is broken.

``subscription`` a subscription is disabled, or has lost its slot, publication, connection or worker
``apply``        apply is blocked, held back or too slow
``conflicts``    rows on the subscriber conflict with changes from the publisher
``both_ways``    two servers subscribe to each other
``tables``       tables differ on the two sides, or have no replica identity
``copies``       initial copies of tables, and slots, that wait for somebody
``retention``    a transaction that is left open makes a slot keep WAL
``healthy``      controls
"""
