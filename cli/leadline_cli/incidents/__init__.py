"""``leadline incidents``.

``group``       the group of commands
``listing``     ``list``
``following``   ``follow``
``history``     ``show`` and ``export``
``actions``     ``ack`` and ``note``
``upkeep``      ``verify`` and ``migrate``
``log_access``  access to the incident log
"""

from leadline_cli.incidents.group import command

__all__ = ["command"]
