"""Causes of an open incident, and of one look.

``context``  the incident's cluster as the causes see it, read only
``ranking``  claims ranked by confidence
``late_evidence``  evidence that makes a reported cause better
``moment``   the causes of the present moment, without an incident
"""
