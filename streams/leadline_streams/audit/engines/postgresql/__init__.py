"""The audit rules for PostgreSQL, a file for each family.

``common``         conditions, steps and sources that several rules share
``standbys``       how a standby replays                           PG-SBY
``receiving``      how a standby gets its WAL                      PG-SBY
``durability``     what a server guarantees for its data           PG-DUR
``wal``            the WAL of a server and its senders             PG-WAL
``slots``          what slots keep, and for whom                   PG-WAL
``archives``       the WAL archive                                 PG-ARC
``synchronous``    standbys that commits wait for                  PG-SYNC
``parity``         what a standby must have as its upstream has it PG-PAR
``failover``       what fails when a standby connects or is promoted  PG-PAR
``publishers``     a publisher by itself                           PG-LOG
``subscribers``    a subscriber by itself                          PG-LOG
``subscriptions``  a subscription and its publisher together       PG-LOG
``security``       who may replicate, and who can read it          PG-SEC
``configuration``  the configuration files                         PG-CFG
``clusters``       all servers of a cluster together               PG-CLU
``patch_level``    support, minor releases and known defects    PG-VER, PG-ADV
``measured``       those that a rule of the judgement measures at every sample
``conditions``     when a defect matters to a server
``promotion``      whether a standby may be promoted, by these rules
``switchover``     whether a standby may take the place of its primary, and the way back
``turned``         the servers as they would be after it
``following``      the slots and roles that its followers need
``every_rule``     all of them, in the order of their ids
"""
