"""Violations of the rules about logical replication, security, configuration and clusters."""

from msgspec.structs import replace

from leadline.model.audit_look import (
    AuditedOrigin,
    AuditedRole,
    HbaLine,
)
from leadline.model.tables import RefusedTable, SenderTimeout, SlowTable
from tests.unit.streams.audit.changes import (
    REPLICATES,
    Case,
    P,
    S,
    T,
    as_primary,
    back_and_forth,
    behind,
    both,
    circle,
    hba,
    nothing,
    older,
    put,
    rows,
    senders,
    tables,
    two_subscriptions,
)

CASES = [
    Case(
        "PG-LOG-001",
        lambda draft: draft.sampled(P, refused=(RefusedTable(name="t", reason="no_identity"),)),
        kind="logical",
    ),
    Case(
        "PG-LOG-002", rows("pg-2"), kind="logical", good=both(rows("pg-2"), lambda draft: draft.slot(P, failover=True))
    ),
    Case("PG-LOG-003", put(P, synchronized_standby_slots="gone"), put(P, synchronized_standby_slots="pg_2")),
    Case(
        "PG-LOG-004",
        lambda draft: draft.sampled(
            P,
            sender_timeouts=(
                SenderTimeout(
                    sender="pg_3", role="r", database="app", setting="statement_timeout", value="30s", set_for="role"
                ),
            ),
        ),
        lambda draft: draft.sampled(
            P,
            sender_timeouts=(
                SenderTimeout(
                    sender="pg_3", role="r", database="app", setting="statement_timeout", value="0", set_for="role"
                ),
            ),
        ),
        kind="logical",
    ),
    Case(
        "PG-LOG-005",
        put(T, max_logical_replication_workers="1"),
        put(T, max_logical_replication_workers="2"),
        kind="logical",
    ),
    Case(
        "PG-LOG-006",
        put(T, max_active_replication_origins="1"),
        put(T, max_active_replication_origins="2"),
        kind="logical",
    ),
    Case(
        "PG-LOG-007",
        lambda draft: draft.subscription(T, enabled=False),
        lambda draft: draft.subscription(T, enabled=False, slot=None),
        kind="logical",
    ),
    Case(
        "PG-LOG-008",
        lambda draft: draft.sampled(T, slow_tables=(SlowTable(name="t", rows=20_000, scanned=True),)),
        lambda draft: draft.sampled(T, slow_tables=(SlowTable(name="t", rows=2_000, scanned=True),)),
        kind="logical",
    ),
    Case(
        "PG-LOG-009",
        lambda draft: draft.sampled(T, slow_tables=(SlowTable(name="t", triggers=("again",)),)),
        kind="logical",
    ),
    Case("PG-LOG-010", nothing, put(T, track_commit_timestamp="on"), kind="logical"),
    Case("PG-LOG-011", lambda draft: draft.read(T, origins=(AuditedOrigin(name="pg_1", used=False),)), kind="logical"),
    Case("PG-LOG-012", lambda draft: draft.subscription(T, publications=("gone",)), kind="logical"),
    Case(
        "PG-LOG-013",
        lambda draft: draft.sampled(P, publishes={"pg_3": ("public.items", "public.more")}),
        lambda draft: draft.sampled(P, publishes={"pg_3": ("public.items",), "other": ("public.more",)}),
        kind="logical",
    ),
    Case(
        "PG-LOG-014",
        tables({"id": "integer", "note": "text"}, {"id": "integer"}),
        tables({"id": "integer"}, {"id": "bigint", "note": "text"}),
        kind="logical",
    ),
    Case(
        "PG-LOG-015",
        lambda draft: draft.subscription(T, slot="gone"),
        lambda draft: draft.subscription(T, slot="gone", enabled=False),
        kind="logical",
    ),
    Case("PG-SEC-001", senders(P, superuser=True)),
    Case("PG-SEC-002", put(P, password_encryption="md5")),
    Case(
        "PG-SEC-003",
        hba(P, REPLICATES),
        hba(
            P,
            replace(REPLICATES, method="scram-sha-256"),
            replace(REPLICATES, databases=("all",)),
            replace(REPLICATES, address="127.0.0.1"),
        ),
    ),
    Case(
        "PG-SEC-004",
        both(
            senders(P, user="r"),
            lambda draft: draft.read(
                P, roles=(AuditedRole(name="r", superuser=False, replication=True, login=True, expires_s=86400.0),)
            ),
        ),
        lambda draft: draft.read(
            P, roles=(AuditedRole(name="nobody", superuser=False, replication=True, login=True, expires_s=-5.0),)
        ),
    ),
    Case("PG-SEC-005", senders(P, address="10.0.0.2", encrypted=False), senders(P, address="10.0.0.2", encrypted=True)),
    Case("PG-SEC-006", lambda draft: draft.read(P, superuser=True)),
    Case("PG-SEC-007", hba(P, HbaLine(line=3, error="end-of-line before method")), hba(P, REPLICATES)),
    Case(
        "PG-SEC-008",
        put(P, ssl="on", ssl_min_protocol_version="TLSv1"),
        put(P, ssl="off", ssl_min_protocol_version="TLSv1"),
    ),
    Case(
        "PG-CFG-001",
        lambda draft: draft.read(
            P,
            settings={
                **draft.look_of(P).settings,
                "max_connections": replace(draft.look_of(P).settings["max_connections"], pending_restart=True),
            },
        ),
    ),
    Case(
        "PG-CFG-002",
        lambda draft: draft.read(
            P, file_errors=("/srv/postgresql.conf:3: wal_levle: unrecognized configuration parameter",)
        ),
        lambda draft: draft.read(P, file_errors=()),
    ),
    Case("PG-CLU-001", as_primary),
    Case("PG-CLU-002", behind(3.0), behind(0.2)),
    Case("PG-CLU-003", older(P)),
    Case(
        "PG-CLU-004",
        two_subscriptions,
        lambda draft: two_subscriptions(draft, slot="other"),
        kind="logical",
    ),
    Case("PG-CLU-005", circle),
    Case(
        "PG-CLU-006",
        both(put(P, cluster_name="main"), put(S, cluster_name="main", primary_conninfo="host=10.0.0.1")),
        both(put(P, cluster_name="main"), put(S, cluster_name="main")),
    ),
    Case("PG-CLU-007", back_and_forth("any"), back_and_forth("none"), kind="logical"),
]
