"""The sinks: notify people and systems of incidents, and keep the incident log.

Pure functions decide what is sent and when. Every target is reached through one interface. A target that is away gets
the newest state of each incident when it is back; a restart repeats nothing that was delivered.

``notify``        decisions, deliveries and their records
``http``          the only module that uses HTTP
``slack``         one message per incident, edited in place, with a timeline in its thread
``pagerduty``     PagerDuty, by its Events API v2
``webhook``       CloudEvents to any HTTP receiver
``email``         e-mail, by SMTP
``teams``         Microsoft Teams, by a workflow
``alertmanager``  Alertmanager, by its API v2
``message_due``   whether an occasion is worth a message where messages cannot be edited
``message_parts`` an incident as headings and lines, for sinks whose markup is simple
``template``      any HTTP receiver, with bodies that a template makes
``inbound``       acknowledgements and silences that people give in Slack and PagerDuty
``console``       lines on standard output
``incident_log``  the history of incidents in PostgreSQL, and the post-mortem
``parquet``       the records of topics as files, for analytics
``console_links`` addresses of an incident in the console
``runbook``       addresses of runbooks
``targets``       the sinks that the settings configure
``service``       the process
"""
