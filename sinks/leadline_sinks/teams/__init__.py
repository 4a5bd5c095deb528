"""Microsoft Teams, by the URL of a workflow: an Adaptive Card for each message.

A message cannot be edited and begins no thread, so one is sent when people must know, as in e-mail.

``limits`` sizes, and their sources
``card``   an incident as an Adaptive Card
``answer`` the failure that a response reports
``sink``   the sink
"""
