"""Faults of streaming replication, by what is broken.

``agents``       an agent, a host or a datacenter is gone
``refusals``     a server runs and accepts no connections, or no more of them
``servers``      a server has crashed, is stopped, frozen or out of disk space
``network``      the network between two servers fails or is too slow
``connection``   a standby is refused, or asks the wrong server
``slots``        replication slots that are unused, lost or taken
``replay``       replay is paused, blocked or delayed
``replay_speed`` replay does not get enough processor time
``synchronous``  commits wait for standbys
``horizon``      vacuum is held back by an old snapshot
``settings``     settings that differ or do not work
``promotion``    two servers accept writes
``damage``       damaged WAL
``healthy``      controls
"""
