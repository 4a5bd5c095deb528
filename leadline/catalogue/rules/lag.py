"""Rules of family lag: a downstream that is behind, and what makes it so."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
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
)
