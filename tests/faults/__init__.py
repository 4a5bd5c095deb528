"""Parts killed, frozen and stopped under load on Apache Kafka, with counts of lost, repeated and reordered records.

Nothing may be lost and nothing may take effect twice. One file per part that is broken: ``test_agent``,
``test_worker``, ``test_broker``, ``test_sink``. Each test ends with a row of counts, which it gives to ``report``.
``make faults`` prints the rows and writes build/faults.json, ``page`` writes them into docs/reliability.md.

``load``     a fleet that publishes as an agent does, and the real processes
``account``  observations and judgements: produced, found in the topics, and expected
``notified`` notifications: those that Slack and PagerDuty received
``page``     the published tables
"""
