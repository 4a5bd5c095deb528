"""Every performance claim, measured again by one command: ``make bench``, or ``python -m bench.pipeline`` for one.

Numbers are ratios between variants that ran interleaved in one run on one machine; absolute rates say little. What
they mean is in ``docs/performance.md``.

``pipeline``   the stream processor against a bare consumer that only decodes
``latency``    from a sample to the alert that it makes, beside a bare relay
``core``       the judgement alone: cost per observation and memory per link
``agent``      the agent beside prometheus-postgres-exporter
``fleet``      samples of a healthy fleet, as many as one likes
``traffic``    such samples at a steady rate, and what they cause as it is received
``footprint``  what a process costs, as Linux counts it
``console``    pages and updates of the console with 10,000 links
``compare``    time to page beside Prometheus and Alertmanager
``audit``      an audit of a pair, and of 500 recorded nodes
``marks``      tables that a run writes into a page
``page``       claims, targets, and the tables that say whether they hold
"""
