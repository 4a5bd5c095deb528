"""Every cause, one file per family.

``streaming``      the connection of a standby, its timeline and the WAL that it gets
``replay``         standbys that have WAL and do not replay it in time
``slots``          slots and what they retain
``logical``        changes that a subscription applies
``subscriptions``  publications, the connections of subscriptions, initial copies
``consistency``    data that differs on two servers
``commits``        commits that wait for a standby
``nodes``          servers, hosts and agents
``settings``       settings that were changed, or that differ between servers
``storage``        archives, disks, damaged pages and the order of text
``pipeline``       Leadline itself, and causes that nothing explains
"""
