"""Causes of an open incident.

``context``  the incident's cluster as the causes see it, read only
``ranking``  claims ranked by confidence
"""
