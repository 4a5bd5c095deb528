"""Rules of the audit whose facts a rule of the judgement measures at every sample.

That one notifies people, sooner and with its causes; on the stream the audit keeps such a finding in its result alone,
so that nobody is notified of one thing twice.
"""

from typing import Final

MEASURED_BY: Final = {
    "PG-ARC-001": "archive_failing",
    "PG-ARC-002": "archive_failing",
    "PG-CLU-001": "split_brain",
    "PG-CLU-005": "upstream_circle",
    "PG-CLU-007": "changes_come_back",
    "PG-DUR-011": "collation_changed",
    "PG-LOG-001": "identity_missing",
    "PG-LOG-007": "subscription_disabled",
    "PG-LOG-012": "publication_missing",
    "PG-LOG-013": "table_not_subscribed",
    "PG-LOG-015": "subscription_without_worker",
    "PG-PAR-001": "config_mismatch",
    "PG-PAR-002": "config_mismatch",
    "PG-SBY-006": "replay_paused",
    "PG-SBY-015": "slot_sync_off",
    "PG-SYNC-001": "sync_degraded",
    "PG-WAL-005": "slot_inactive",
    "PG-WAL-006": "horizon_held",
    "PG-WAL-012": "slot_lost",
}
