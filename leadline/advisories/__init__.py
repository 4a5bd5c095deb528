"""Known defects of replication software and the support of its versions, as data that ships with Leadline.

``entry``            the form of the facts
``loading``          reads the facts, and an operator's file that adds or withdraws entries
``osv``              the facts in the form of the Open Source Vulnerability format
``postgresql.yaml``  the facts about PostgreSQL
"""
