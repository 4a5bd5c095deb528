"""The one entry point, ``leadline``: words and exit codes around what the roles and the shared language do.

A command's file imports what it needs inside its function, so that each starts with nothing but its own. It decides
nothing: what it prints comes from elsewhere.

``main``       the table of commands; errors made into one line and an exit code; ``__main__`` for ``python -m``
``options``    what several commands take: the file of settings, the format
``checks``     what `doctor` looks at; ``target_checks`` for the sinks
``output``     tables for people, JSON lines for programs
``reference``  the page ``docs/reference/commands.md``

``agent`` ``stream`` ``sink``     the long-running parts
``demo``      a fleet of its own
``watch`` ``check``      servers that you have, now
``rules`` ``record`` ``replay``     what is judged, and by what
``incidents`` ``silence``     what the incident log knows, and what people do about it
``config`` ``topics`` ``receiver`` ``doctor`` ``version``     operations
"""

from leadline_cli.main import main as main
