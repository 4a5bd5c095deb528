"""PostgreSQL for the judgement: samples as links, positions, verdicts and counters.

``engine``          PostgreSQL as an engine of the judgement
``topology``        which node follows which
``link_reading``    the present state of a link, read from the samples of its ends
``validation``      what a sample must hold beyond its types
``fast_path``       healthy nodes and links at a fraction of the cost
``health``          subjects that no rule needs to be measured for
``counters``        counters that rise when something goes wrong
``connect_errors``  what an agent's error says about its server

Shared by rules and causes:
``links``           links by kind, and the rows of samples that belong to them
``lsn``             log sequence numbers as whole numbers
``wal``             what is missing between two positions of the WAL
``horizon``         the oldest snapshot that vacuum must respect, and what holds it
``slots``           what a slot retains WAL for, and how fast that grows
``subscriptions``   workers that fail or wait, publications that are missing
``synchronous``     what commits wait for, and which standbys confirm them
``statements``      steps with the SQL that several causes propose
``stages``          where on its way the WAL of a link waits
``apply``           subscriptions with an alert: worker, counters, slot and publisher
``drift``           tables of a subscriber that differ from what its publisher sends
"""
