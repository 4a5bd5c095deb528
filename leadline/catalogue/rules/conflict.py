"""Rules of family conflict: changes that a subscriber or a standby could not apply."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
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
)
