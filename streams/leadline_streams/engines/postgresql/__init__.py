"""PostgreSQL for the judgement: samples as links, positions, verdicts and counters.

``engine``          PostgreSQL as an engine of the judgement
``topology``        which node follows which
``upstreams``       the upstream of each standby and the sender that serves it
``candidates``      the standbys that a sender may serve, where there are very many
``publishers``      the publisher of each subscription
``stand_ins``       links to downstreams without an agent
``matching``        points for and against a sender and a receiver being the ends of one connection
``identity``        what identifies servers and connections
``link_reading``    the present state of a link, read from the samples of its ends
``silence``         senders that get no reply
``validation``      what a sample must hold beyond its types
``fast_path``       healthy nodes and links at a fraction of the cost
``fast_vitals``     the same by their vitals
``health``          subjects on which no rule would breach
``counters``        counts of conflicts, errors and failures
``connect_errors``  the state of a server, from the error of its agent
``server_log``      the reason of a failure from the server log
``witnesses``       servers that still hear one that its agent could not read
``cut_roots``       the place at which the root of a cut is seen
``unread``          servers that have not answered since looking began, as their followers show them

Shared by rules and causes:
``links``           links by kind, and the rows of samples that belong to them
``lsn``             log sequence numbers as whole numbers
``wal``             what is missing between two positions of the WAL
``horizon``         the oldest snapshots that vacuum must respect, and their holders
``slot_room``       the room that is left to slots, and when it ends
``slots``           WAL that a slot retains, its growth, and the transactions that it waits for
``owners``          everything that could own a slot
``owner_index``     nodes by the slots that they use or are named after
``needs``           whether anything may need what a destructive step discards
``orchestrators``   orchestrators of servers, and the slots that they keep
``refusals``        published tables whose updates the server refuses, and why
``receiver_messages``  messages of a WAL receiver that could not connect, and their meaning
``decoding``        servers whose ``wal_level`` allows no logical slot
``databases``       databases about which their server shows that something is wrong
``both_ways``       two servers that subscribe to each other, and changes that cross
``subscriptions``   workers that are missing, fail or wait; publications that are missing
``divergence``      confirmed differences of the data of two servers
``subscribed_tables``  tables that a publication or its subscription lacks
``table_copies``    initial copies of tables that do not move, and their senders
``copy_timeouts``   initial copies that a timeout of their publisher ends
``archive``         the WAL archive, and standbys that are fed by it alone
``not_watched``     servers that watched ones are connected to and that no agent reads
``slot_sync``       what a standby lacks that is to synchronize its primary's slots
``mismatches``      settings that must not be lower on a standby than on its primary
``timeouts``        how long an end of a connection may be silent
``unserved``        subscriptions that receive nothing, and servers that replaced their publishers
``timing``          times that a server's own settings decide
``synchronous``     standbys that commits require, and those that confirm them
``flavours``        steps in the ways of a managed service or an orchestrator
``rights``          parts of a server that the agent's role may not read
``sessions``        a client session in words
``statements``      steps with the SQL that several causes propose
``stages``          stages in which the WAL of a link waits
``apply``           subscriptions with an alert: worker, counters, slot and publisher
``two_phase``       subscriptions with ``two_phase`` on servers that prepare no transaction
``write_rights``    rights that a worker lacks on the tables of its subscription
``drift``           tables of a subscriber that differ from what its publisher sends
"""
