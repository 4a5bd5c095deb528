"""The stream processor: samples in; verdicts, alerts, incidents and their causes out.

``judge``          pure, and names no engine: event order, lag, verdicts, the life of alerts, incidents
``engines``        pure: what samples of each engine mean for the judgement
``rules``          pure: one rule per file
``causes``         pure: one cause per file
``audit``          pure: what is set up wrong on servers, found from one look
``reported``       rules whose values other programs report
``rule_settings``  the settings of rules, checked against the rules
``assembly``       composes the judgement from settings, engines, rules and causes
``runtime``        Faust, partitions and durable state
``replay``         recorded samples judged again
``explain``        pure: why something was reported at a time, or was not
``rule_diff``      two sets of limits on one recording: what fires more, less, earlier, later
``shadow``         limits that are tried beside those in force
``one_look``       a few samples judged at once, for ``leadline check``
``reference``      the generated pages of rules, causes and audit rules

It must never read a clock to decide something, or do I/O outside ``runtime`` and ``replay``.
"""
