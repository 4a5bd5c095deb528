"""The fleet in a terminal.

``fleet``     the present state of a fleet, folded from the topics
``terminal``  the live view
``viewport``  the part of it that fits the terminal
``keys``      the keys that are pressed
``browse``    what keys choose: an order, a filter, a link
``close_up``  one link with all that is known of it
``show``      live, lines or JSON lines
"""
