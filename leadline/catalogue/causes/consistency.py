"""Causes of data that differs on two servers, as a comparison of it shows them."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CONFLICTING, CauseEntry

ENTRIES = (
    CauseEntry(
        code="changes_not_published",
        family="consistency",
        help="rows differ in the way in which a publication leaves changes out: it does not publish deletes, updates "
        "or truncates",
        over="the rows are equal again",
        explains=frozenset({"data_divergence"}),
        improvements=("Review the parameter publish of each publication with the people who read the subscriber.",),
        tasks=(
            "Decide whether the subscriber is to keep the rows. If not, publish all operations and copy the table.",
        ),
    ),
    CauseEntry(
        code="sequences_not_replicated",
        family="consistency",
        help="a sequence of the subscriber is not beyond the publisher's; subscriptions before PostgreSQL 19 carry no "
        "sequences",
        over="the subscriber's sequences are beyond the publisher's",
        explains=frozenset({"sequence_behind"}),
        improvements=("Make setting the sequences a step of every cut-over, after the last write on the publisher.",),
        tasks=("Set the sequences of the subscriber before applications insert there.",),
    ),
    CauseEntry(
        code="standby_data_damaged",
        family="consistency",
        help="rows of a physical standby differ although it has replayed the WAL: its files are not its primary's",
        over="the rows are equal again",
        explains=frozenset({"data_divergence"}),
        improvements=(
            "Use data checksums on every server, and verify each standby after it was built and after a crash of its "
            "host.",
            "Leave full_page_writes and fsync on; never run pg_resetwal on a server that others follow.",
        ),
        tasks=(
            "Keep the differing pages before the standby is rebuilt, and find out how they came about.",
            "Build the standby anew from a backup of the primary.",
        ),
    ),
    CauseEntry(
        code="subscriber_rewrites_rows",
        family="consistency",
        help="rows are changed in a table with a trigger or a rule on the subscriber that also fires for replicated "
        "changes (ENABLE ALWAYS or ENABLE REPLICA)",
        over="the rows are equal again",
        explains=frozenset({"data_divergence"}),
        improvements=("Let triggers that derive data run on the publisher only, and replicate the result.",),
        tasks=("Find out whether the trigger is meant to change what is replicated.", habits.COMPARE),
    ),
    CauseEntry(
        code="transaction_skipped",
        family="consistency",
        help="rows differ, and the subscriber's server log says that a transaction was skipped; or its worker failed "
        "and goes on",
        over="the rows are equal again; what the skipped transaction changed was repaired",
        explains=frozenset({"data_divergence"}),
        follows=CONFLICTING,
        improvements=(
            "Resolve the conflicting row instead of skipping its transaction, which may have changed other rows too.",
        ),
        tasks=("List the tables that the skipped transaction changed, and compare each.", habits.COMPARE),
    ),
)
