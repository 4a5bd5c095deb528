"""Every rule: its code, family, class, unit, and words. One entry each, in the order of their codes."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="agent_silent",
        family="liveness",
        on="node",
        unit="s",
        help="Nothing was received from the agent of a node for five intervals, and then for `for`.",
        impact="The state of the server was not known meanwhile; only its own server log shows what happened there.",
        over="the agent of {node} reports again",
    ),
    RuleEntry(
        code="apply_conflict",
        family="conflict",
        on="subscription",
        unit="conflicts",
        help=(
            "Row conflicts of a subscription in 300 s: each kind that stops the worker once, each change of a "
            "missing row, and, where two servers subscribe to each other, each row of another origin. PostgreSQL 18 "
            "and later count them."
        ),
        impact="Rows on the two sides may differ until the tables are compared.",
        over="no more row conflicts in subscription {name} on {node}",
        needs="counts_row_conflicts",
    ),
    RuleEntry(
        code="apply_delay_undeclared",
        family="lag",
        on="node",
        unit="s",
        help=(
            "`recovery_min_apply_delay` of a standby. Declare a delayed standby by an override that raises this limit "
            "above its delay."
        ),
        impact="Queries on the standby returned data older than was agreed.",
        over="{node} has no delay above the limit any more",
        class_="notice",
    ),
    RuleEntry(
        code="apply_error",
        family="conflict",
        on="subscription",
        unit="attempts",
        help=(
            "Failed attempts of the apply worker in 300 s, while it still fails. PostgreSQL 15 and later count them."
        ),
        impact="Changes were not applied, from the failing one on; queries on the subscriber returned old data.",
        over="subscription {name} on {node} applies changes again",
        needs="counts_apply_errors",
    ),
    RuleEntry(
        code="archive_failing",
        family="retention",
        on="node",
        unit="failures",
        help=(
            "Failed attempts to archive in 300 s, while the newest attempt failed; 1 when 256 segments or more wait, "
            "when any waits and no attempt has ended for 300 s, or when archive_mode is on and archive_command and "
            "archive_library are empty."
        ),
        impact="WAL that was not archived could not be restored from the archive, and filled its volume.",
        over="{node} archives again",
    ),
    RuleEntry(
        code="archive_not_kept",
        family="retention",
        on="node",
        unit="",
        help=(
            "archive_mode is on, and archive_command succeeds without keeping the segment: it is a command such as "
            "/bin/true, copies to /dev/null, or hides its own failure."
        ),
        impact="A standby that fell behind, and a restore to a point in time, would have found no WAL in the archive.",
        over="archive_command on {node} was changed, or {node} archives nothing any more",
        class_="advice",
        standing=True,
    ),
    RuleEntry(
        code="clock_skew",
        family="liveness",
        on="node",
        unit="s",
        help=(
            "Seconds by which the clock of an agent's host differs from the other agents and from the time at which "
            "its samples arrive, from `judgement.clock_tolerance_s` on. Its times are corrected."
        ),
        impact="Times in the server log and of jobs on that host were wrong; replication was not affected.",
        over="the clock of the agent of {node} agrees with the others",
        class_="notice",
    ),
    RuleEntry(
        code="config_mismatch",
        family="config",
        on="link",
        unit="settings",
        help=(
            "Settings that must not be lower on a standby than on its primary, and are: `max_connections` and the "
            "other parameters of hot standby, and `wal_level`."
        ),
        impact="Replay could pause, and the standby fail to start, once the primary used more than the standby allows.",
        over="the settings of {up} and {down} agree",
        class_="notice",
    ),
    RuleEntry(
        code="changes_come_back",
        family="conflict",
        on="subscription",
        unit="tables",
        help=(
            "Tables in the subscriptions of two servers to each other, of which one at least takes changes of any "
            "origin: each change comes back to the server on which it was made. Not measured where an agent is not "
            "connected to the replicated database."
        ),
        impact="Changes went round between the servers: rows multiplied, or their values were written over and over.",
        over="no change comes back to {node} by its subscription {name}",
    ),
    RuleEntry(
        code="conflict_blindness",
        family="conflict",
        on="subscription",
        unit="",
        help=(
            "Two servers subscribe to each other, and the subscriber has `track_commit_timestamp = off`: it could not "
            "report that a change overwrote a row that was written on it."
        ),
        impact="Rows could be overwritten or swapped between the servers without an error or a count.",
        over="{node} records the origin of rows",
        class_="notice",
    ),
    RuleEntry(
        code="datacenter_lost",
        family="liveness",
        on="cluster",
        unit="clusters",
        help="Clusters that see no server in one datacenter, and began to at the same time.",
        impact="The servers in the datacenter were down, cut off, or not seen.",
        over="fewer clusters than `notify.datacenter_clusters` see no server there",
    ),
    RuleEntry(
        code="horizon_held",
        family="retention",
        on="node",
        unit="transactions",
        help=(
            "Age in transactions of the oldest snapshot that vacuum must respect on a server that takes writes, and "
            "that stays: of an open or prepared transaction, of a standby with `hot_standby_feedback`, or of a slot. "
            "Ages below 50,000 count as none, and ages of a logical slot's catalog below one million."
        ),
        impact="Dead rows could not be removed: tables grew, and queries on them became slower.",
        over="nothing holds vacuum on {node} back any more",
        class_="notice",
        waits_below=True,
    ),
    RuleEntry(
        code="identity_missing",
        family="config",
        on="node",
        unit="tables",
        help=(
            "Published tables whose updates or deletes the server refuses: they have no replica identity and have been "
            "updated or deleted from, or the row filter, the column list or the generated columns of a publication do "
            "not fit their identity. Read where the agent is connected to the published database, once a minute and "
            "after a reload; at most 20 tables."
        ),
        impact="Applications that updated or deleted rows of published tables got errors.",
        over="the published tables of {node} can be identified",
    ),
    RuleEntry(
        code="judgement_failing",
        family="liveness",
        on="cluster",
        unit="",
        help=(
            "A worker cannot judge a cluster in full: its records cannot be used, judging one of them failed, or its "
            "state cannot be read or saved. Over when nothing of that happened for a minute."
        ),
        impact="A part of what happened in the cluster was not judged, so nobody was warned of it.",
        over="the cluster is judged in full again",
    ),
    RuleEntry(
        code="lag_forecast",
        family="lag",
        on="link",
        unit="s",
        help=(
            "Seconds until lag reaches the recovery-point objective, which is the critical limit of "
            "`replication_lag`, at its present growth. Only while lag is above 5 s and growing, and replay not paused."
        ),
        impact="A failover would soon have lost more data than the recovery-point objective allows.",
        over="{down} no longer falls behind {up}",
    ),
    RuleEntry(
        code="log_went_back",
        family="consistency",
        on="node",
        unit="bytes",
        help=(
            "Bytes of WAL that a primary had, that a standby of the same timeline holds, or that a subscription has "
            "applied, and that the primary does not have: it was restored to an older state, or lost WAL. For an hour "
            "after it was seen to go back."
        ),
        impact="Commits were lost on the primary, and its standbys may differ from it.",
        over="the WAL of {node} and its standbys agrees, or an hour has passed",
    ),
    RuleEntry(
        code="node_down",
        family="liveness",
        on="node",
        unit="s",
        help="A server has not answered its agent for this long: it is down, unreachable or rejects the agent.",
        impact="The server could not be used.",
        over="{node} answers again",
    ),
    RuleEntry(
        code="node_name_shared",
        family="liveness",
        on="node",
        unit="",
        help="Two agents send samples under one node name, and each goes on.",
        impact="What was shown under the name was now of one server and now of another, and was judged as one.",
        over="one agent sends as {node}",
        class_="notice",
    ),
    RuleEntry(
        code="not_seen",
        family="liveness",
        on="node",
        unit="groups",
        help=(
            "Groups of a sample that the agent's role may not read and that links, waits and settings are judged by: "
            "the role lacks `pg_monitor`. The size of the WAL directory is not counted."
        ),
        impact="Faults of the server could be seen only from its neighbours, or not at all.",
        over="the agent of {node} sees everything that it should",
        class_="notice",
    ),
    RuleEntry(
        code="primary_lost",
        family="liveness",
        on="node",
        unit="s",
        help=(
            "A primary is not there, or does not answer, or its agent is silent, and every standby and subscriber that "
            "received from it lost it at that time. Not one that answered that it stops, or that was replaced."
        ),
        impact="Applications could not write.",
        over="{node} answers again, or was replaced",
    ),
    RuleEntry(
        code="publication_missing",
        family="consistency",
        on="link",
        unit="publications",
        help=(
            "Publications that a subscription names and its publisher does not have. PostgreSQL 18 skips their "
            "changes without an error. Seen where the publisher's agent is connected to the published database."
        ),
        impact="Changes of tables that were no longer published did not arrive: rows differ.",
        over="{up} has the publications that {down} names",
    ),
    RuleEntry(
        code="recovery_conflict",
        family="conflict",
        on="node",
        unit="queries",
        help="Queries that replay cancelled on a standby in 300 s, for conflicts of all kinds.",
        impact="Queries on the standby were cancelled, and applications got errors.",
        over="replay on {node} no longer cancels queries",
        class_="notice",
    ),
    RuleEntry(
        code="replay_paused",
        family="lag",
        on="link",
        unit="",
        help="Replay has been paused for longer than `for`.",
        impact="Queries on the standby returned data as it was when replay was paused.",
        over="replay on {down} continues",
    ),
    RuleEntry(
        code="replication_cut_off",
        family="lag",
        on="link",
        unit="s",
        help=(
            "The downstream has not been connected for this long although both servers run. Not for subscriptions "
            "that are disabled or fail, and not for backup programs without a slot."
        ),
        impact="No changes arrived; queries returned old data, and a failover would have lost the missing changes.",
        over="{down} is connected to {up} again",
    ),
    RuleEntry(
        code="replication_lag",
        family="lag",
        on="link",
        unit="s",
        help=(
            "Seconds that a downstream is behind the primary at the root of its chain, by that primary's clock; a "
            "configured apply delay is not counted."
        ),
        impact="Queries returned old data; a failover would have had to wait for replay, or lose data.",
        over="{down} has caught up with {up}",
    ),
    RuleEntry(
        code="replication_lag_bytes",
        family="lag",
        on="link",
        unit="bytes",
        help=(
            "Bytes of WAL that a downstream is behind the primary at the root of its chain, unless it will have caught "
            "up within 15 minutes or is delayed by its configuration."
        ),
        impact="A failover would have had to replay the backlog first, and lose what had not arrived.",
        over="{down} has caught up with {up}",
    ),
    RuleEntry(
        code="replication_stalled",
        family="lag",
        on="link",
        unit="s",
        help="A downstream is connected, has WAL to apply, and has made no progress for this long.",
        impact="Queries on the downstream returned data as it was when progress stopped.",
        over="{down} applies changes from {up} again",
    ),
    RuleEntry(
        code="rule_blind",
        family="liveness",
        on="node",
        unit="groups",
        help=(
            "Groups of a sample that rules need and that no right would show: the server refuses them to everybody, "
            "as some services do, a lock is in the way, or so many rows are there that some are left out of each look. "
            "What the agent's role may not read is `not_seen`."
        ),
        impact="Rules that need what was not seen were not measured for it.",
        over="{node} shows what rules need",
        class_="notice",
    ),
    RuleEntry(
        code="server_not_watched",
        family="liveness",
        on="node",
        unit="servers",
        help=(
            "Standbys, upstreams and publishers that a watched server shows and no agent reads. Programs that read "
            "changes or receive WAL for backups do not count."
        ),
        impact="The other end was judged from here alone: its waits, errors and settings were not seen.",
        over="every server that {node} shows is watched",
        class_="notice",
        standing=True,
    ),
    RuleEntry(
        code="sink_failing",
        family="liveness",
        on="cluster",
        unit="",
        help="A target of notifications has accepted none for a minute, or rejects them permanently.",
        impact="People who read only that target were not notified of anything meanwhile.",
        over="the target accepts deliveries again",
    ),
    RuleEntry(
        code="slot_creation_waiting",
        family="retention",
        on="slot",
        unit="s",
        help=(
            "Seconds since the command that creates a logical slot began, while it waits for transactions that ran "
            "then; on a standby, for its primary to write which ones run. Not for slots of initial copies whose "
            "subscriber is watched."
        ),
        impact="A consumer could not begin to read changes.",
        over="the slot {name} on {node} is created, or its creation was given up",
    ),
    RuleEntry(
        code="slot_idle_timeout",
        family="retention",
        on="slot",
        unit="%",
        help=(
            "Percent of `idle_replication_slot_timeout` for which nobody has read a slot. After that time the next "
            "checkpoint invalidates it."
        ),
        impact="The consumer of the slot would have had to be rebuilt, or its tables copied again.",
        over="slot {name} on {node} is used again, is gone, or has been invalidated",
        needs="invalidates_idle_slots",
    ),
    RuleEntry(
        code="slot_inactive",
        family="retention",
        on="slot",
        unit="",
        help=(
            "A slot retains WAL and has had no consumer for longer than `for`. Not for temporary slots, slots "
            "synchronized to a standby, slots that Patroni or another orchestrator keeps, and copies of a slot that is "
            "read elsewhere, until they retain 64 MB."
        ),
        impact="The upstream retained WAL for a consumer that was not connected.",
        over="slot {name} on {node} is used again, or is gone",
        class_="notice",
    ),
    RuleEntry(
        code="slot_lost",
        family="retention",
        on="slot",
        unit="",
        help=(
            "2 when a slot is invalidated, and its consumer must be rebuilt; 1 while it is `unreserved`, and the next "
            "checkpoint may remove WAL that it needs."
        ),
        impact="The consumer of the slot could not continue, and had to be rebuilt.",
        over="slot {name} on {node} is gone, or retains what it needs",
    ),
    RuleEntry(
        code="slot_retention_forecast",
        family="retention",
        on="slot",
        unit="s",
        help=(
            "Seconds until the WAL retained for a slot fills its volume or exceeds `max_slot_wal_keep_size`, which "
            "invalidates the slot, at its present growth."
        ),
        impact="The upstream was about to run out of disk space, or the slot about to be invalidated.",
        over="slot {name} on {node} no longer nears its limit",
    ),
    RuleEntry(
        code="slot_sync_off",
        family="slots",
        on="node",
        unit="",
        help=(
            "Settings that a standby with `sync_replication_slots = on` lacks, so that its worker ends: a `dbname` in "
            "`primary_conninfo`, `hot_standby_feedback`, `primary_slot_name`, `wal_level = logical`; and slots of its "
            "own that have the name of a failover slot of its primary."
        ),
        impact="Logical consumers could not have gone on at this standby after a failover: their slots were not there.",
        over="{node} has the settings to synchronize slots",
        class_="notice",
        needs="failover_slots",
    ),
    RuleEntry(
        code="split_brain",
        family="conflict",
        on="cluster",
        unit="servers",
        help="Servers with the same system identifier that take writes at the same time.",
        impact="Two servers took writes: each may have rows that the other does not have.",
        over="one server of {cluster} takes writes",
    ),
    RuleEntry(
        code="subscription_disabled",
        family="conflict",
        on="subscription",
        unit="",
        help="A subscription has been disabled, by a person or by `disable_on_error`, for longer than `for`.",
        impact="Changes were not applied; queries on the subscriber returned old data.",
        over="subscription {name} on {node} is enabled again",
    ),
    RuleEntry(
        code="subscription_without_worker",
        family="conflict",
        on="subscription",
        unit="s",
        help=(
            "Seconds for which an enabled subscription has received nothing while no watched publisher has its "
            "slot; from twice `wal_retrieve_retry_interval` on, or from `wal_receiver_timeout` on while a "
            "worker tries to connect. Not while its publisher is down and nothing has replaced it."
        ),
        impact="Changes did not arrive; a publisher that had lost the slot did not retain them.",
        over="subscription {name} on {node} receives again",
    ),
    RuleEntry(
        code="sync_commit_blocked",
        family="sync",
        on="node",
        unit="s",
        help="Seconds that the oldest commit has waited for synchronous standbys.",
        impact="Commits on the primary waited, and with them the applications.",
        over="commits on {node} no longer wait for synchronous standbys",
        waits_below=True,
    ),
    RuleEntry(
        code="sync_degraded",
        family="sync",
        on="node",
        unit="standbys",
        help="Synchronous standbys that `synchronous_standby_names` requires and that are not connected.",
        impact="Fewer servers confirmed each commit than were required.",
        over="the synchronous standbys of {node} are connected",
        waits_below=True,
    ),
    RuleEntry(
        code="table_not_subscribed",
        family="conflict",
        on="subscription",
        unit="tables",
        help=(
            "Tables of a subscription's publications that the subscription does not have, and tables that it has and "
            "that are not published any more. Read once a minute, where the agents of both servers are connected to "
            "the replicated databases; not of publications and subscriptions of more than 1000 tables."
        ),
        impact="Changes of these tables did not reach the subscriber, and no error showed it.",
        over="subscription {name} on {node} has the published tables",
        class_="notice",
    ),
    RuleEntry(
        code="table_sync_stuck",
        family="conflict",
        on="subscription",
        unit="attempts",
        help=(
            "Failed attempts of the initial copy of a table in 300 s, while they still fail. PostgreSQL 15 and later "
            "count them."
        ),
        impact="Tables that were not copied yet lacked rows on the subscriber.",
        over="the initial copy of subscription {name} on {node} no longer fails",
        needs="counts_apply_errors",
    ),
    RuleEntry(
        code="table_sync_waiting",
        family="conflict",
        on="subscription",
        unit="s",
        help=(
            "Seconds for which the initial copy of a table has not begun or not moved, without an error. Not while "
            "its publisher runs the copy's query. Tables that wait for a worker are seen where the agent is connected "
            "to the subscription's database."
        ),
        impact="Tables lacked rows on the subscriber, and nothing there shows it.",
        over="the initial copy of subscription {name} on {node} moves",
    ),
    RuleEntry(
        code="upstream_circle",
        family="liveness",
        on="link",
        unit="standbys",
        help="Standbys that follow each other, or one that follows itself, so that none of them follows a primary.",
        impact="Queries on these standbys returned old data; none of them could replace the primary without a loss.",
        over="{down} follows a primary again",
    ),
)
