"""Improvements that several causes propose, each written once."""

from leadline.catalogue.measure import Measure

COMPARE = "Compare the tables on both sides and repair the rows that differ. Write down here how many there were."
AUDIT = "Audit the settings of every server of the cluster on a schedule, and who may change them."
REHEARSE = "Rehearse a failover and a rebuild, and time both."
VERSIONS = Measure(
    "Update every server to the newest minor release of its version, and read which defects of replication it fixes.",
    "PG-VER-002",
)
SESSIONS = "Run reports and batch work on a standby of their own, with a limit on how long a statement may run."
SLOTS = Measure(
    "Limit the WAL that a slot may retain: max_slot_wal_keep_size, on PostgreSQL 18 also "
    "idle_replication_slot_timeout.",
    "PG-WAL-002",
)
WRITES = (
    "Let only replication write to subscribed tables: REVOKE INSERT, UPDATE, DELETE, TRUNCATE from all other roles."
)
DDL = Measure(
    "Roll out changes of tables to subscribers before publishers, in the pipeline that releases the application.",
    "PG-LOG-014",
)
FENCE = Measure("Let one tool promote standbys, and let it fence the old primary first.", "PG-CLU-001")
NETWORK = "Monitor the network path between the two servers: bandwidth, packet loss, other traffic."
DISK = "Alert on how fast the volume of the WAL fills, not only on how full it is."
AGENT = "Run the agent under a supervisor that restarts it, and alert when it is silent."
