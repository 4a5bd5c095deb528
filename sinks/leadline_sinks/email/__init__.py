"""E-mail by SMTP: the life of an incident is one thread.

A message cannot be edited, so one is sent when people must know: the first notification, a higher severity, another
first cause, a return, a withdrawn step, acknowledgements and notes, reminders, the end. Other updates are in the next.

``thread``   subject, Message-ID and References
``message``  an incident as plain text and HTML
``smtp``     the only module that uses SMTP
``sink``     the sink
"""
