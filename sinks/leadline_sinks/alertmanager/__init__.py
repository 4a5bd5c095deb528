"""Alertmanager, by its API v2: an alert for each open incident.

Alertmanager takes an alert for resolved at its ``endsAt``, and forgets all alerts when it restarts, so an open incident
is sent again and again. Who is notified of it, when and how often, is up to Alertmanager.

``alert``  an incident as an alert: labels, annotations, times
``answer`` the failure that a response reports
``sink``   the sink
"""
