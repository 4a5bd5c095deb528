"""Every setting of every process, declared once. Loader, check, schema and reference page derive from it.

This package never opens a connection and never prints a secret.

``secret``       a value that prints masked, and may be in a file that is read at each use
``declare``      the base class, and type, default, help and allowed values of each setting
``source``       a YAML file as data, with the line of each setting
``environment``  ``LEADLINE_*`` variables, which override the file
``load``         file and variables as typed settings; all problems are reported together
``common``       Kafka, metrics and process log: the settings of every process
``agent``        settings of the agent
``stream``       settings of the judgement
``audit``        settings of an audit: what is accepted as it is
``addresses``    addresses of HTTP servers and mailboxes
``targets``      settings of what is notified
``email_target`` the same for e-mail
``teams_target`` the same for Microsoft Teams
``alertmanager_target`` the same for Alertmanager
``template_target`` the same for bodies of your own form
``hours``        settings of the hours in which people work
``inbound``      settings of what people do at vendors
``routing``      settings of who is notified, and when
``verify``     of the process that compares data
``sink_routes`` the routes of the sink, without its secrets
``sink``         settings of the sinks
``parquet``      settings of the files for analytics
``stream_limits`` the limits of the stream processor, without its secrets
``web_console``  settings of the console
``dsn``          connection strings: their form, and their address without secrets
``plain``        values in effect with their origin; settings for the file of a process that we start
``processes``    the settings of each process; JSON Schema for editors
``example``      the files in ``deploy/examples``
``reference``    the page ``docs/reference/settings.md``
"""
