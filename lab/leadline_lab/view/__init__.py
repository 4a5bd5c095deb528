"""The fleet in a terminal.

``fleet``     the present state of a fleet, folded from the topics
``terminal``  the live view
``show``      live, lines or JSON lines
"""
