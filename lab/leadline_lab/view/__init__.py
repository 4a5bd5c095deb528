"""The fleet in a terminal.

``terminal``  the live view
``show``      live, lines or JSON lines
"""
