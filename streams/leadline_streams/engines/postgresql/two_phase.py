"""Subscriptions that apply prepared transactions as such (``two_phase``), on servers that allow none."""

from leadline_streams.engines.postgresql.apply import AffectedSubscription

LIMIT = "max_prepared_transactions"
ENABLED = "e"
"""``subtwophasestate``: in use. It is pending until the first tables are copied."""
NOT_IN_STATE = "55000"
"""object_not_in_prerequisite_state: prepared transactions are disabled. A missing table or column has it too."""


def cannot_prepare(affected: AffectedSubscription) -> bool:
    """Whether the server allows no prepared transaction, as by default, and its server log shows no other reason."""
    limit, reason = affected.node.settings.get(LIMIT), affected.reason
    if affected.subscription.two_phase != ENABLED or limit is None or limit.value != "0":
        return False
    return reason is None or reason.code == NOT_IN_STATE or not affected.is_certain
