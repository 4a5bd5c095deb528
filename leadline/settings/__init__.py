"""Every option of every process, declared once; loader, check, schema and reference page derive from it.

It never imports a role, never opens a connection, and never shows a secret.

``secret``       a value that prints masked; it may live in a file that is read at each use
``declare``      what a setting is: the base class, and its default, help and allowed values read back from the type
``source``       a YAML file as data, knowing on which line each setting stands
``environment``  ``LEADLINE_*`` variables laid over it
``load``         both made into typed settings; all problems are reported together
``common``       Kafka, metrics and log: what every process has
``agent``        the process on a database host
``stream``       the judgement
``sink``         the processes that tell people
``dsn``          connection strings: their form, and a name for them without secrets
``effective``    what holds in the end, and where it came from
``handed``       the same as plain data, for the file of a process that we start
``processes``    which settings belong to which process
``schema``       JSON Schema for editors
``example``      a file to start from, for each process
``reference``    the page ``docs/reference/settings.md``
"""
