"""Differences of publisher and subscriber beyond rows: definitions by which replication breaks, and sequences.

A physical standby has the definitions of its primary: it replays them.

``definitions``  tables and sequences as they are read
``reading``      reads them on both servers
``columns``      columns: missing, required, of another type. Pure
``tables``       tables, identities, constraints, publications. Pure
``sequences``    sequences of the subscriber that are behind. Pure
"""
