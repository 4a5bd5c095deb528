"""Parts killed, frozen and taken away under load, on Apache Kafka, and what came of it, counted.

Nothing may be lost and nothing may be in effect twice. One file per part that is hurt: ``test_agent``, ``test_worker``,
``test_broker``, ``test_sink``. Each test ends with a row of what it counted, which ``report`` takes; ``make faults``
prints the rows and writes build/faults.json, ``page`` writes them into docs/reliability.md.

``load``     a fleet whose samples go the way of an agent's, and the real processes
``account``  what was made, what is in the topics, what one uninterrupted fold says
``told``     what people were told
``page``     the published tables
"""
