"""Every performance claim, measured again by one command: ``make bench``, or ``python -m bench.pipeline`` for one.

Numbers are ratios between variants that ran interleaved in one run on one machine; absolute rates say little.

``pipeline``  the stream processor against a bare consumer that only decodes
``core``      the judgement alone: cost per observation and memory per link
``fleet``     samples of a healthy fleet, as many as one likes
"""
