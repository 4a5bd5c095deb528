"""Every rule: its code, family, class, unit, and words. One entry each, in the order of their codes."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="agent_silent",
        family="liveness",
        on="node",
        unit="s",
        help="Nothing heard from a node's agent, for five intervals and `for` on top.",
        impact="Nothing was known of it meanwhile: what it did, and what happened to it, is in its own log only.",
    ),
    RuleEntry(
        code="apply_conflict",
        family="conflict",
        on="subscription",
        unit="conflicts",
        help=(
            "Row conflicts of a subscription in 300 s. One for each kind that stops the worker, each change of a "
            "missing row, and rows of another origin where both servers subscribe to each other. PostgreSQL 18 "
            "and later count them."
        ),
        impact="Rows on the two sides may differ until they are compared.",
        needs="counts_row_conflicts",
    ),
    RuleEntry(
        code="apply_delay_undeclared",
        family="lag",
        on="node",
        unit="s",
        help=(
            "A standby with a longer `recovery_min_apply_delay` than declared. Declare a delayed standby by an "
            "override that raises this limit for it."
        ),
        impact="Readers saw data older than anybody had agreed to.",
    ),
    RuleEntry(
        code="apply_error",
        family="conflict",
        on="subscription",
        unit="attempts",
        help=(
            "Attempts of the apply worker that failed in 300 s, while it still fails. PostgreSQL 15 and later "
            "count them."
        ),
        impact="Changes were not applied from the failing one on; readers saw old data.",
        needs="counts_apply_errors",
    ),
    RuleEntry(
        code="archive_failing",
        family="retention",
        on="node",
        unit="failures",
        help=(
            "Failed attempts to archive in 300 s, while the newest attempt failed; 1 when 256 segments or more wait."
        ),
        impact="What was not archived could not be restored from the archive.",
    ),
    RuleEntry(
        code="config_mismatch",
        family="config",
        on="link",
        unit="settings",
        help=(
            "Settings that are lower on a standby than on its primary and must not be: the hot-standby parameters"
            " and `wal_level`."
        ),
        impact="Replay may stop, or the standby not start, when the primary uses what the standby cannot hold.",
    ),
    RuleEntry(
        code="horizon_held",
        family="retention",
        on="node",
        unit="transactions",
        help="Age of the oldest snapshot that vacuum must respect on a server that takes writes, from one million on: "
        "of an open transaction, of a standby's feedback, or of a slot.",
        impact="Dead rows could not be removed: tables grew, and queries on them became slower.",
        class_="notice",
    ),
    RuleEntry(
        code="identity_missing",
        family="config",
        on="node",
        unit="tables",
        help=(
            "Published tables that have been updated or deleted from, that have no replica identity, and whose "
            "updates or deletes are published: the next one fails. Seen when the agent is connected to the "
            "published database, at the start, after a reload and each `settings_every_s`; at most 20."
        ),
        impact="Applications that updated or deleted rows of published tables got errors.",
    ),
    RuleEntry(
        code="lag_forecast",
        family="lag",
        on="link",
        unit="s",
        help=(
            "Seconds until lag reaches the recovery-point objective, which is the critical limit of "
            "`replication_lag`. Only while lag is above 5 s and growing."
        ),
        impact="The recovery-point objective was about to be missed.",
    ),
    RuleEntry(
        code="node_down",
        family="liveness",
        on="node",
        unit="s",
        help="A server has not answered its agent for this long: it is down, unreachable or refuses the agent.",
        impact="It could not be used.",
    ),
    RuleEntry(
        code="publication_missing",
        family="consistency",
        on="link",
        unit="publications",
        help=(
            "Publications that a subscription names and its publisher does not have. PostgreSQL 18 skips their "
            "changes without an error. Seen when the publisher's agent is connected to the published database."
        ),
        impact="Changes of what was not published any more never arrived: rows differ.",
    ),
    RuleEntry(
        code="recovery_conflict",
        family="conflict",
        on="node",
        unit="queries",
        help="Queries that replay cancelled on a standby in 300 s, all kinds together.",
        impact="Queries on the standby were cancelled, and failed for whoever had asked.",
    ),
    RuleEntry(
        code="replay_paused",
        family="lag",
        on="link",
        unit="",
        help="Replay is paused for longer than `for`.",
        impact="Readers saw data as it was when replay was paused.",
    ),
    RuleEntry(
        code="replication_cut_off",
        family="lag",
        on="link",
        unit="s",
        help=(
            "Not connected for this long although both servers run. Not for subscriptions that are disabled or "
            "fail, and not for backup programs without a slot."
        ),
        impact="Nothing arrived; readers saw old data, and a failover would have lost what was missing.",
    ),
    RuleEntry(
        code="replication_lag",
        family="lag",
        on="link",
        unit="s",
        help="Behind the root primary by more than this many seconds of its clock, apply delay not counted.",
        impact="Readers saw old data, and a failover would have had to wait, or lose what was not replayed.",
    ),
    RuleEntry(
        code="replication_lag_bytes",
        family="lag",
        on="link",
        unit="bytes",
        help=(
            "Behind the root primary by more than this many bytes of log, while it will not have caught up within"
            " 15 minutes. A configured apply delay is not counted."
        ),
        impact="A failover would have had to replay the backlog first, or lose what had not arrived.",
    ),
    RuleEntry(
        code="replication_stalled",
        family="lag",
        on="link",
        unit="s",
        help="Connected, with log to apply, and no progress for this long.",
        impact="Readers saw data as it was when progress stopped.",
    ),
    RuleEntry(
        code="sink_failing",
        family="liveness",
        on="cluster",
        unit="",
        help="A target of notifications has taken none for a minute, or refuses them for good.",
        impact="Whoever reads only that target was not notified of anything meanwhile.",
    ),
    RuleEntry(
        code="slot_inactive",
        family="retention",
        on="slot",
        unit="",
        help=(
            "Nobody has been connected to the slot for longer than `for`, and it holds log. Not for temporary "
            "slots, slots synchronised to a standby, and a standby's spare slots on other nodes."
        ),
        impact="The upstream kept log for a consumer that was not there.",
    ),
    RuleEntry(
        code="slot_lost",
        family="retention",
        on="slot",
        unit="",
        help=(
            "2 when the slot is invalidated, and its consumer must be rebuilt; 1 while it is `unreserved`, and "
            "the next checkpoint may remove what it needs."
        ),
        impact="The consumer of the slot cannot go on, and has to be made anew.",
    ),
    RuleEntry(
        code="slot_retention_forecast",
        family="retention",
        on="slot",
        unit="s",
        help=(
            "Seconds until the log kept for a slot fills its volume or makes the slot be lost to "
            "`max_slot_wal_keep_size`, at the rate at which it grows now."
        ),
        impact="The upstream's volume, or the slot, was about to be lost.",
    ),
    RuleEntry(
        code="split_brain",
        family="conflict",
        on="cluster",
        unit="servers",
        help="Servers with the same system identifier that take writes at the same time.",
        impact="Two servers took writes: each may have rows that the other never had.",
    ),
    RuleEntry(
        code="subscription_disabled",
        family="conflict",
        on="subscription",
        unit="",
        help="Disabled, by hand or by `disable_on_error`, for longer than `for`.",
        impact="Changes were not applied; readers saw old data.",
    ),
    RuleEntry(
        code="sync_commit_blocked",
        family="sync",
        on="node",
        unit="s",
        help="How long the oldest commit has waited for synchronous standbys.",
        impact="Commits on the primary waited, and with them whoever had asked.",
    ),
    RuleEntry(
        code="sync_degraded",
        family="sync",
        on="node",
        unit="standbys",
        help="Synchronous standbys that `synchronous_standby_names` requires and that are not connected.",
        impact="A commit was safe on fewer servers than was asked for.",
    ),
    RuleEntry(
        code="table_sync_stuck",
        family="conflict",
        on="subscription",
        unit="attempts",
        help=(
            "Attempts to copy a table initially that failed in 300 s, while they still fail. PostgreSQL 15 and "
            "later count them."
        ),
        impact="The tables that were not copied yet were missing rows on the subscriber.",
        needs="counts_apply_errors",
    ),
)
