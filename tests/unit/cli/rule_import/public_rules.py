"""Alerts about replication that people publish, each with the file that has it and the verdict that it deserves.

The verdicts on the first ten were confirmed by hand with ``promtool test rules`` of Prometheus 2.42 on series as the
exporters emit them, in the fault that the alert is for; the others follow from what the expression says.
Expressions are written on one line, without the labels and annotations that play no part.
"""

from dataclasses import dataclass
from typing import Final

from leadline_cli.rule_import.verdict import Verdict

AWESOME: Final = "github.com/samber/awesome-prometheus-alerts"
EXPORTER: Final = "github.com/prometheus-community/postgres_exporter"
MIXIN: Final = f"{EXPORTER} postgres_mixin/alerts/postgres.libsonnet"
MYSQLD: Final = "github.com/prometheus/mysqld_exporter mysqld-mixin/alerts/galera.yaml"
MYSQL: Final = f"{AWESOME} dist/rules/mysql/mysqld-exporter.yml"
CNPG: Final = "github.com/cloudnative-pg/cloudnative-pg docs/src/samples/monitoring/prometheusrule.yaml"
CHART: Final = "github.com/cloudnative-pg/charts charts/cluster/prometheus_rules"
PGMONITOR: Final = "github.com/CrunchyData/pgmonitor prometheus/common/alert-rules.d"
QONTO: Final = "github.com/qonto/database-monitoring-framework charts/prometheus-postgresql-alerts/values.yaml"


@dataclass(frozen=True, slots=True)
class Public:
    """One alert of a public file."""

    source: str
    name: str
    expr: str
    for_: str
    verdict: Verdict
    says: str
    """A part of the reason; empty where nothing is wrong."""
    ours: str = ""
    """One of the rules of Leadline in its place; empty where it is not about PostgreSQL, or not known."""


PUBLIC: Final = (
    Public(
        f"{AWESOME} issue 474",
        "PostgresqlUnusedReplicationSlot",
        "(pg_replication_slots_active == 0) and (pg_replication_is_replica == 0)",
        "1m",
        "never",
        "only one side has database, plugin, slot_name, slot_type; give on(instance)",
        "slot_inactive",
    ),
    Public(
        MIXIN,
        "PostgresReplicationLaggingMore1Hour",
        "(pg_replication_lag > 3600) and on(instance) (pg_replication_is_replica == 1)",
        "5m",
        "never",
        "names it pg_replication_lag_seconds since 0.12",
        "replication_lag",
    ),
    Public(
        MYSQL,
        "MysqlSlaveIoThreadNotRunning",
        "(mysql_slave_status_slave_io_running and on(instance) mysql_slave_status_master_server_id > 0) == 0",
        "0m",
        "not_everywhere",
        "MySQL 8.4 has no SHOW SLAVE STATUS",
    ),
    Public(
        MYSQL,
        "MysqlSlaveReplicationLag",
        "((mysql_slave_status_seconds_behind_master - mysql_slave_status_sql_delay) and on(instance) "
        "mysql_slave_status_master_server_id > 0) > 30",
        "1m",
        "not_everywhere",
        "NULL while the SQL thread is stopped",
    ),
    Public(
        MYSQLD,
        "MySQLReplicationNotRunning",
        "mysql_slave_status_slave_io_running == 0 or mysql_slave_status_slave_sql_running == 0",
        "2m",
        "not_everywhere",
        "mysql_slave_status_replica_sql_running",
    ),
    Public(
        f"{AWESOME} dist/rules/postgresql/postgres-exporter.yml",
        "PostgresqlUnusedReplicationSlot",
        "pg_replication_slots_active == 0",
        "1m",
        "false_alarm",
        "inactive on every standby too",
        "slot_inactive",
    ),
    Public(
        CNPG,
        "ReplicaFailingReplication",
        "cnpg_pg_replication_in_recovery > cnpg_pg_replication_is_wal_receiver_up",
        "1m",
        "right",
        "",
        "replication_cut_off",
    ),
    Public(
        CNPG, "PGReplication", "cnpg_pg_replication_lag > 300", "1m", "hides", "says 0 as well while", "replication_lag"
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-pg.yml.example",
        "PGReplicationByteLag",
        "ccp_replication_lag_size_bytes > 5.24288e+07",
        "60s",
        "vanishes",
        "disappears when the standby is disconnected",
        "replication_cut_off",
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-pg.yml.example",
        "PGRecoveryStatusSwitch",
        "ccp_is_in_recovery_status != ccp_is_in_recovery_status offset 5m",
        "60s",
        "right",
        "",
        "split_brain",
    ),
    Public(
        MIXIN,
        "PostgresReplicationRoleChanged",
        "pg_replication_is_replica and changes(pg_replication_is_replica[1m]) > 0",
        "0s",
        "fragile",
        "changes() needs two",
        "primary_lost",
    ),
    Public(
        MYSQLD,
        "MySQLReplicationLag",
        "(instance:mysql_slave_lag_seconds > 30) and on(instance) "
        "(predict_linear(instance:mysql_slave_lag_seconds[5m], 60 * 2) > 0)",
        "1m",
        "not_seen",
        "none of these files has it",
    ),
    Public(
        f"{AWESOME} issue 74",
        "PostgresqlReplicationLag",
        "604800 > pg_replication_lag > 10",
        "0m",
        "never",
        "names it pg_replication_lag_seconds",
        "replication_lag",
    ),
    Public(
        MIXIN,
        "PostgresReplicationStopped",
        "pg_stat_replication_pg_xlog_location_diff != 0",
        "5m",
        "never",
        "only servers before PostgreSQL 10",
        "replication_lag_bytes",
    ),
    Public(
        MIXIN,
        "PostgresReplicationLagBytesAreTooLarge",
        "(pg_xlog_position_bytes and pg_replication_is_replica == 0) - on(job, service) group_right(instance) "
        "(pg_xlog_position_bytes and pg_replication_is_replica == 1) > 1e+09",
        "5m",
        "not_seen",
        "pg_xlog_position_bytes",
        "primary_lost",
    ),
    Public(
        MIXIN,
        "PostgresHasReplicationSlotUsed",
        "pg_replication_slots_active == 0",
        "30m",
        "false_alarm",
        "",
        "slot_inactive",
    ),
    Public(
        MIXIN,
        "PostgresReplicationIsStale",
        'pg_replication_slots_xmin_age{slot_name=~"^repmgr_slot_[0-9]+"} > 20000',
        "30m",
        "not_seen",
        "pg_replication_slots_xmin_age",
    ),
    Public(
        f"{AWESOME} rules of Patroni, as canonical/postgresql-k8s-operator has them in patroni_rules.yaml",
        "PatroniHasNoLeader",
        "(max by (scope) (patroni_master) < 1) and (max by (scope) (patroni_standby_leader) < 1)",
        "0m",
        "right",
        "",
        "primary_lost",
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-patroni.yml.example",
        "PatroniTimelineSwitch",
        "patroni_postgres_timeline != patroni_postgres_timeline offset 5m",
        "60s",
        "right",
        "",
        "split_brain",
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-patroni.yml.example",
        "PatroniRapidTimelineSwitch",
        "(patroni_postgres_timeline - (patroni_postgres_timeline offset 60m)) > 5",
        "60s",
        "right",
        "",
        "split_brain",
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-pg.yml.example",
        "PGNoPrimary",
        "max by (cluster_name) (ccp_is_in_recovery_status) < 2",
        "30s",
        "right",
        "",
        "primary_lost",
    ),
    Public(
        f"{PGMONITOR}/crunchy-alert-rules-pg.yml.example",
        "PGReplicationSlotsInactive",
        "ccp_replication_slots_active == 0",
        "60s",
        "false_alarm",
        "fires after each failover",
        "slot_inactive",
    ),
    Public(
        CNPG,
        "LastFailedArchiveTime",
        "(cnpg_pg_stat_archiver_last_failed_time - cnpg_pg_stat_archiver_last_archived_time) > 1",
        "1m",
        "right",
        "",
        "archive_failing",
    ),
    Public(
        f"{CHART}/cluster-high_replication_lag.yaml",
        "CNPGClusterHighReplicationLag",
        'max(cnpg_pg_replication_lag{namespace=~"db"}) * 1000 > 1000',
        "5m",
        "hides",
        "0 as well while the stream is cut off",
        "replication_cut_off",
    ),
    Public(
        f"{CHART}/cluster-physical_replication_lag-critical.yaml",
        "CNPGClusterPhysicalReplicationLagCritical",
        'max(cnpg_pg_replication_lag{namespace="db"}) * 1000 > 15000',
        "5m",
        "hides",
        "0 as well",
        "replication_lag",
    ),
    Public(
        f"{CHART}/cluster-ha-critical.yaml",
        "CNPGClusterHACritical",
        'max by (job) (cnpg_pg_replication_streaming_replicas{namespace="db"} - '
        'cnpg_pg_replication_is_wal_receiver_up{namespace="db"}) < 1',
        "5m",
        "right",
        "",
        "replication_cut_off",
    ),
    Public(
        f"{CHART}/cluster-logical_replication_errors.yaml",
        "CNPGClusterLogicalReplicationErrors",
        "max by (namespace, job, subname) (increase(cnpg_pg_stat_subscription_apply_error_count[5m]) + "
        "increase(cnpg_pg_stat_subscription_sync_error_count[5m])) > 0",
        "1m",
        "right",
        "",
        "apply_error",
    ),
    Public(
        f"{CHART}/cluster-logical_replication_lagging.yaml",
        "CNPGClusterLogicalReplicationLagging",
        "max by (namespace, job, subname) (cnpg_pg_stat_subscription_apply_lag_seconds) > 60 or "
        "max by (namespace, job, subname) (cnpg_pg_stat_subscription_buffered_lag_bytes) / 1024^3 > 1",
        "5m",
        "right",
        "",
        "replication_lag",
    ),
    Public(
        f"{CHART}/cluster-logical_replication_stopped.yaml",
        "CNPGClusterLogicalReplicationStopped",
        "max by (job, subname) (cnpg_pg_stat_subscription_enabled) == 0 or "
        "(max by (job, subname) (cnpg_pg_stat_subscription_enabled) == 1 and "
        "max by (job, subname) (cnpg_pg_stat_subscription_pid) == 0)",
        "5m",
        "right",
        "",
        "subscription_disabled",
    ),
    Public(
        QONTO,
        "PostgreSQLInactivePhysicalReplicationSlot",
        'max by (server, slot_name) (pg_replication_slots_active{slot_type="physical"}) < 1',
        "10m",
        "false_alarm",
        "after each failover",
        "slot_inactive",
    ),
    Public(
        QONTO,
        "PostgreSQLReplicationSlotStorageLimit",
        "max by (server, slot_name) (pg_replication_slots_available_storage_percent) < 20",
        "5m",
        "not_seen",
        "only a query of your own can",
    ),
    Public(
        "github.com/akhil27051999/devops-cloud-interview-guide 09-observability/23-monitoring-db-replication-lag.md",
        "DBReplicationLag",
        'pg_replication_lag{job="postgres"} > 1000',
        "5m",
        "never",
        "pg_replication_lag_seconds",
        "replication_lag",
    ),
    Public(
        "github.com/paradedb/charts pull request 256",
        "CNPGClusterReplicationSlotInactive",
        "max by (slot_name) (cnpg_pg_replication_slots_active) == 0",
        "15m",
        "false_alarm",
        "after each failover",
        "slot_inactive",
    ),
    Public(
        f"{MYSQLD} with rules/rules.yaml",
        "MySQLGaleraOutOfSync",
        "mysql_global_status_wsrep_local_state != 4 and mysql_global_variables_wsrep_desync == 0",
        "5m",
        "right",
        "",
    ),
    Public(
        "github.com/ongres/stackgres doc/content/en/09-runbooks/04-postgres-alerts/_index.md",
        "PostgresPromotedNode",
        "pg_replication_is_replica and changes(pg_replication_is_replica[1m]) > 0",
        "5m",
        "hides",
        "a single event never fires",
        "primary_lost",
    ),
    Public(
        "github.com/ongres/stackgres doc/content/en/09-runbooks/04-postgres-alerts/_index.md",
        "PostgresSplitBrain",
        "count by (cluster_name) (pg_replication_is_replica == 0) > 1",
        "1m",
        "right",
        "",
        "split_brain",
    ),
    Public(
        "github.com/ongres/stackgres doc/content/en/09-runbooks/04-postgres-alerts/_index.md",
        "PostgresReplicationLagSizeTooLarge",
        "pg_replication_status_lag_size > 1e+09",
        "5m",
        "not_seen",
        "only a query of your own can",
    ),
    Public(
        "github.com/prometheus/mysqld_exporter mysqld-mixin/alerts/alerts.yaml",
        "MysqlSlaveBehindMaster",
        "rate(mysql_slave_status_seconds_behind_master[5m]) > 30",
        "0s",
        "not_everywhere",
        "rate() hardly exceeds 1",
    ),
    Public(
        "github.com/CrunchyData/pgmonitor prometheus/crunchy-alert-rules-pg.yml",
        "PGReplicationByteLag",
        "ccp_replication_status_byte_lag > 5.24288e+07",
        "60s",
        "not_seen",
        "ccp_replication_status_byte_lag",
    ),
    Public(
        "github.com/monitoring-mixins/website site/content/mysql/_index.md",
        "MySQLGaleraNotReady",
        "mysql_global_status_wsrep_ready != 1",
        "5m",
        "right",
        "",
    ),
    Public(
        "github.com/radichenko/sre-hometask task3/solution3.md",
        "MySQLReplicationNotRunning",
        "mysql_slave_status_slave_io_running == 0 or mysql_slave_status_slave_sql_running == 0",
        "2m",
        "not_everywhere",
        "mysql_slave_status_replica_io_running",
    ),
)
