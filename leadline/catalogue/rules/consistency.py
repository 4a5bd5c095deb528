"""Rules of family consistency: servers whose data parted."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="checker_blind",
        family="consistency",
        on="link",
        unit="",
        help=(
            "A verification did not find the difference that it had planted in its own computation: what it called "
            "equal is not proven."
        ),
        impact="Whether the data of the two servers agrees was not known.",
        over="a verification of {down} against {up} found its own planted difference",
        class_="notice",
    ),
    RuleEntry(
        code="collation_changed",
        family="consistency",
        on="node",
        unit="databases",
        help=(
            "Databases whose text was sorted by another version of the library than the server has now: the operating "
            "system was upgraded, or a standby runs on another one than its primary. Seen on PostgreSQL 15 and later, "
            "not for the collations C and POSIX."
        ),
        impact="Queries by indexes on text could miss rows, and unique indexes let duplicates in.",
        over="the libraries of {node} sort text as it was sorted",
        class_="notice",
        standing=True,
    ),
    RuleEntry(
        code="consistency_unverified",
        family="consistency",
        on="link",
        unit="s",
        help=(
            "Age of the oldest proof: the time since the last of all tables of a link was proven equal, or since the "
            "verifier was first asked to. Only of links that the verifier is configured for. It grows while the "
            "verifier is silent."
        ),
        impact="Differences of the data that came about in that time were not found.",
        over="the data of {down} was proven equal to that of {up}",
        class_="notice",
    ),
    RuleEntry(
        code="data_divergence",
        family="consistency",
        on="link",
        unit="rows",
        help=(
            "Rows that the verifier has confirmed to differ: missing on the downstream, extra there, or changed. "
            "Each was read on both sides after a position that both had reached."
        ),
        impact="Queries on the downstream returned wrong rows, and a failover to it would have made them permanent.",
        over="a verification found no row of {down} that differs from {up}",
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
        code="page_damage",
        family="consistency",
        on="node",
        unit="failures",
        help=(
            "Pages whose checksum was wrong when they were read, since the statistics began, of databases where that "
            "happened within an hour. Not seen on servers without data checksums."
        ),
        impact="Statements that read the damaged pages failed; a backup since then may have them too.",
        over="no damaged page was read on {node} for an hour",
        standing=True,
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
        code="sequence_behind",
        family="consistency",
        on="link",
        unit="",
        help=(
            "1 while a sequence of the subscriber is not beyond the publisher's: logical replication does not carry "
            "sequences. 2 where the settings of the verifier say that the subscriber is about to take over: the "
            "first inserts there would fail with duplicate keys."
        ),
        impact="Inserts on the new primary would have failed with duplicate keys.",
        over="the sequences of {down} are beyond those of {up}",
        class_="notice",
    ),
)
