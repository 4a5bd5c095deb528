"""PostgreSQL for the judgement: samples as links, positions, verdicts and counters.

``topology``        which node follows which
``validation``      what a sample must hold beyond its types
``fast_path``       healthy nodes and links at a fraction of the cost
``calm``            subjects that no rule needs to be asked about
``counters``        counters that rise when something goes wrong
``retention``       what a slot retains WAL for, and how fast that grows
``connect_errors``  what an agent's error says about its server
``synchronous``     what commits wait for, and which standbys confirm them
``stages``          where on its way the WAL of a link waits
``apply``           subscriptions in trouble: worker, counters, slot and publisher
``drift``           tables of a subscriber that differ from what its publisher sends
"""
