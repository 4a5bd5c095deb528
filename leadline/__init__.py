"""Leadline: says how far behind every replica is, what broke it, and tells the right person once.

This package is the shared language of the three roles, which never import each other and meet only in Kafka:

    agents/leadline_agents     look at databases, publish observations
    streams/leadline_streams   judge every link, name the cause
    sinks/leadline_sinks       tell people

``model``       the values, frozen and without I/O
``wire``        their bytes: keys, headers, typed decoding
``repeating``   the same of observations, each text that repeats once
``schemas``     their description for other programs
``topics``      where they are kept, and making the topics
``deadletters`` what is written of a record that cannot be used
``compacted``   what a compacted topic holds
``recording``   a topic's records in a file
``kafka``       Kafka's settings as client options
``settings``    every option of every process
``logs``        what is written to standard error; foreign text made safe to look at
``clock``       the only reader of the time
``stopping``    how a long-running part ends
``errors``      what can go wrong, and exit codes
``metrics``     what each process counts
``view``        what people see in a terminal
``pipeline``    the real processes on one machine over the embedded broker
``sandbox``     real servers and a broker on one machine, to try and to break
``demo``        a fleet that is broken as it once was, explained, and put right
``cli``         the one entry point, ``leadline``; ``__main__`` is the same for ``python -m``
"""

__version__ = "0.1.0"
