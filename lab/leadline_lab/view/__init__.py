"""The fleet in a terminal.

``fleet``     the present state of a fleet, folded from the topics
``terminal``  the live view
``viewport``  the part of it that fits the terminal, and the keys
``show``      live, lines or JSON lines
"""
