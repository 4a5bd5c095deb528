"""Faults of replication on real servers: inject, expect, heal. Shared by the zoo, the demo and drills.

A fault is one function in ``physical`` or ``logical``; the registry finds it by its being there. It changes only the
servers of its topology, reports every change through ``Fleet.on_change``, and names nothing of what Leadline makes of
it but the diagnosis that it expects.

``fault``       what a fault is: its data, its course, the diagnosis that it expects
``injection``   one run of a course
``topologies``  the servers that faults need
``registry``    every fault by name
``physical``    faults of streaming replication
``logical``     faults of logical replication
"""
