"""Every cause, one file per family.

``streaming``  standbys and the WAL they stream
``slots``      slots and what they retain
``consistency`` data that differs on two servers
``logical``    subscriptions
``nodes``      servers, hosts, agents and commits
``pipeline``   Leadline itself, and causes that nothing explains
"""
