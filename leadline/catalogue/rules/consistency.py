"""Rules of family consistency: servers whose data parted."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
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
)
