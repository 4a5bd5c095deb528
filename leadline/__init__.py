"""Leadline: says how far behind every replica is, what broke it, and tells the right person once.

This package is the shared language of the three roles, which never import each other and meet only in Kafka:

    agents/leadline_agents     look at databases, publish observations
    streams/leadline_streams   judge every link, name the cause
    sinks/leadline_sinks       tell people

``model`` holds the values, ``wire`` their bytes, ``settings`` every option, ``clock`` the time, ``errors`` what can go
wrong, ``metrics`` what each process counts, ``cli`` the one entry point.
"""

__version__ = "0.1.0"
