"""Every rule, one file per family, in the order of their codes.

``lag``          a downstream that is behind, and what makes it so
``retention``    WAL that slots and the archive keep or lose
``slots``        failover slots
``conflict``     changes that a subscriber or a standby could not apply
``consistency``  servers whose data parted
``liveness``     servers, agents, datacenters, and the parts of Leadline
``config``       settings that endanger replication
``sync``         commits that wait for standbys
"""
