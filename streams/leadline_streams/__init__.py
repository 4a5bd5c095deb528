"""The judgement: samples in, verdicts, alerts, incidents and their causes out.

``judge``      pure: event order, lag, verdicts, the life of alerts, incidents
``rules``      pure: one rule per file
``causes``     pure: one cause per file
``reference``  the page of all causes
``policies``   settings as the policy of the judgement
``replay``     recorded samples judged again
``picture``    the fleet as a terminal shows it
``transport``  batches of records through Faust
``app``        the Faust application; the only place, with ``transport``, that knows Faust

Must never: read a clock to decide something, or do I/O outside ``app`` and ``replay``.
"""
