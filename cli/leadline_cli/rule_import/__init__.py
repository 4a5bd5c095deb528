"""Rules of Prometheus about replication: whether each can fire, what it hides, and the rule of Leadline in its place.

``metrics``  the metrics of exporters that are about replication
``reading``  files of rules
``expressions`` numbers and names in expressions
``labels``   the labels of an expression, and whether two sides can match
``reasons``  the findings about one expression
``verdict``  findings, and the verdict that they come to
``report``   the verdicts on all alerts of some files
``page``     the verdicts as text
``scraped``  the names that a server of yours has
"""
