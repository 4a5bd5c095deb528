"""Every metric of every process, declared once: name, kind, labels, meaning. The page of metrics equals this list.

A name ends in its base unit, that of a counter in ``_total``. Only the gauges of ``subject_metrics`` have identities of
links, nodes and slots as labels, of a bounded number.

A counter of events whose labels are known begins at zero: ``increase`` of Prometheus sees no event by which a series
begins, so the first failure after a start would raise no alert (prometheus/prometheus issue 13570,
aptible/supercronic issue 83, kyverno/kyverno issue 6962).
"""

from collections.abc import Iterable
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from leadline import __version__
from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.settings.common import MetricsSettings
from leadline.subject_metrics import registered
from leadline.wire import BAD_RECORD_REASONS, CODECS

REGISTRY: Final = CollectorRegistry(auto_describe=True)

LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str) -> Histogram:
    return Histogram(name, meaning, labels, registry=REGISTRY, buckets=LATENCY_BUCKETS)


BUILD_INFO: Final = _gauge("leadline_build_info", "Always 1; its labels name what runs.", "version", "role")

# The agent.
AGENT_SAMPLES: Final = _counter(
    "leadline_agent_samples_total", "Looks at a server, by result: up or down.", "node", "result"
)
AGENT_PROBE_SECONDS: Final = _histogram("leadline_agent_probe_duration_seconds", "Round-trip time of one look.", "node")
AGENT_LAST_SUCCESS: Final = _gauge(
    "leadline_agent_last_success_timestamp_seconds",
    "Time of the last look that a node answered, in seconds since 1970.",
    "node",
)
AGENT_LEFT_OUT: Final = _gauge(
    "leadline_agent_left_out",
    "Rows that the last look at a node found and its sample leaves out, as it is too large.",
    "node",
)
AGENT_RECONNECTS: Final = _counter("leadline_agent_reconnects_total", "Connections opened to a node.", "node")
AGENT_PUBLISHED: Final = _counter("leadline_agent_published_total", "Observations acknowledged by Kafka.")
AGENT_SPOOL_RECORDS: Final = _gauge("leadline_agent_spool_records", "Observations in the spool.")
AGENT_SPOOL_BYTES: Final = _gauge("leadline_agent_spool_bytes", "Bytes of observations in the spool.")
AGENT_DROPPED: Final = _counter(
    "leadline_agent_dropped_total",
    "Observations that are lost: the spool or the memory was full, or Kafka refused them.",
)

# The stream processor.
STREAM_RECORDS: Final = _counter(
    "leadline_stream_records_total", "Records read from the samples topic, by result.", "result"
)
STREAM_DEADLETTERS: Final = _counter("leadline_stream_deadletters_total", "Records sent to the dead letters.", "reason")
STREAM_LATE: Final = _counter("leadline_stream_late_total", "Observations too late to be judged.")
STREAM_DUPLICATES: Final = _counter("leadline_stream_duplicates_total", "Observations seen before.")
STREAM_WITHOUT_BASE: Final = _counter(
    "leadline_stream_without_base_total",
    "Vitals that are not judged, because their whole sample was not read or judged.",
)
STREAM_DELAY_SECONDS: Final = _histogram(
    "leadline_stream_delay_seconds", "From an agent's look to its judgement, on the two machines' clocks."
)
STREAM_TRANSITIONS: Final = _counter("leadline_stream_transitions_total", "Alert transitions.", "rule", "to")
STREAM_SHADOW: Final = _counter(
    "leadline_stream_shadow_transitions_total",
    "Times that a shadow rule would have fired or resolved; nobody is notified.",
    "rule",
    "to",
)
STREAM_INCIDENTS_OPEN: Final = _gauge("leadline_stream_incidents_open", "Incidents open now.")
STREAM_LINKS: Final = _gauge("leadline_stream_links", "Links being judged, by verdict.", "verdict")
STREAM_CLUSTERS: Final = _gauge("leadline_stream_clusters", "Clusters whose state this worker holds.")
STREAM_PARTITIONS: Final = _gauge(
    "leadline_stream_partitions",
    "Partitions of the samples that this worker judges; of all workers, those of the topic.",
)
STREAM_RETIRED: Final = _counter(
    "leadline_stream_nodes_retired_total",
    "Nodes that were forgotten, by reason: evidence, time, or the command of a person.",
    "reason",
)
STREAM_STATE_WRITES: Final = _counter(
    "leadline_stream_state_writes_total", "States of clusters written to the changelog."
)
STREAM_STATE_BYTES: Final = _counter("leadline_stream_state_bytes_total", "Bytes of state written to the changelog.")
STREAM_BEYOND_LIMITS: Final = _gauge(
    "leadline_stream_beyond_limits",
    "Nodes, links, alerts and incidents that are beyond the limits of their cluster.",
    "what",
)
STREAM_GAUGES_LEFT_OUT: Final = _gauge(
    "leadline_stream_gauges_left_out",
    "Clusters, links, nodes and slots without gauges of their own, as there are more than gauges.max_subjects.",
    "what",
)
SUBJECTS: Final = registered(REGISTRY)
STREAM_CLUSTERS_FORGOTTEN: Final = _counter(
    "leadline_stream_clusters_forgotten_total", "Clusters that were forgotten: all of their nodes were before."
)
STREAM_STATES_REFUSED: Final = _counter(
    "leadline_stream_states_refused_total", "States of clusters that Kafka refused because of their size."
)

# The sinks.
SINK_DELIVERIES: Final = _counter(
    "leadline_sink_deliveries_total",
    "Finished deliveries: sent, suppressed, given_up, or never_told for incidents that ended before a notification.",
    "target",
    "outcome",
)
SINK_FAILURES: Final = _counter(
    "leadline_sink_failures_total",
    "Failed attempts, by reason. All but those of deliveries that are given up are retried.",
    "target",
    "reason",
)
SINK_GIVEN_UP: Final = _counter(
    "leadline_sink_given_up_total", "Deliveries that were given up, by reason.", "target", "reason"
)
SINK_BAD_RECORDS: Final = _counter(
    "leadline_sink_bad_records_total", "Records that the sinks skipped, by topic and reason.", "topic", "reason"
)
SINK_PARTITIONS: Final = _gauge(
    "leadline_sink_partitions",
    "Partitions of the incidents of which this process notifies the target; of all processes, those of the topic.",
    "target",
)
SINK_PENDING: Final = _gauge(
    "leadline_sink_pending", "Incidents with a notification that is due and not delivered.", "target"
)
SINK_OLDEST_PENDING_SECONDS: Final = _gauge(
    "leadline_sink_oldest_pending_seconds", "Seconds since the oldest of these notifications became due.", "target"
)
SINK_BREAKER_OPEN: Final = _gauge(
    "leadline_sink_breaker_open", "1 while the circuit breaker of the target is open.", "target"
)
SINK_ATTEMPT_SECONDS: Final = _histogram("leadline_sink_attempt_duration_seconds", "Duration of an attempt.", "target")
SINK_NOTIFY_SECONDS: Final = _histogram(
    "leadline_sink_notify_seconds", "From the detection of an incident to its first delivery.", "target"
)

# The files for analytics.
PARQUET_ROWS: Final = _counter("leadline_sink_parquet_rows_total", "Records that are in a file.", "topic")
PARQUET_FILES: Final = _counter("leadline_sink_parquet_files_total", "Files that were written.", "topic")
PARQUET_MISSED: Final = _counter(
    "leadline_sink_parquet_missed_total",
    "Offsets that Kafka no longer had when they were to be written.",
    "topic",
)
PARQUET_FAILING: Final = _gauge("leadline_sink_parquet_failing", "1 while no file can be written, else 0.")

# The verifier.
VERIFY_TABLES: Final = _gauge(
    "leadline_verify_tables",
    "Tables to compare, by what is known of them: equal, different, undecided, refused, or waiting for their first "
    "comparison.",
    "state",
)
VERIFY_OLDEST_PROOF: Final = _gauge(
    "leadline_verify_oldest_proof_timestamp_seconds",
    "When the table whose proof is oldest was proven equal, in seconds since 1970; 0 while one never was.",
    "cluster",
)
VERIFY_PROOF: Final = _gauge(
    "leadline_verify_proof_timestamp_seconds",
    "The same of each table, of the 200 whose proof is oldest.",
    *("cluster", "downstream", "table"),
)
VERIFY_COVERAGE: Final = _gauge(
    "leadline_verify_coverage_ratio",
    "Part of the table that its last comparison covered, of the same tables.",
    *("cluster", "downstream", "table"),
)
VERIFY_ROWS: Final = _counter("leadline_verify_rows_total", "Rows of upstreams that were compared.")
VERIFY_CHUNKS: Final = _counter(
    "leadline_verify_chunks_total", "Chunks that were compared: matching, different or undecided.", "outcome"
)
VERIFY_FAILURES: Final = _counter(
    "leadline_verify_failures_total", "Comparisons that ended by an error, and reports that Kafka did not take."
)

# The console.
CONSOLE_FEED_ALIVE: Final = _gauge(
    "leadline_console_feed_alive_timestamp_seconds",
    "When Kafka last confirmed how far the topics are, in seconds since 1970.",
)
CONSOLE_FEED_BEHIND: Final = _gauge(
    "leadline_console_feed_behind", "Records of the topics that the console has not read yet."
)
CONSOLE_BAD_RECORDS: Final = _counter(
    "leadline_console_bad_records_total", "Records that the console skipped, by topic and reason.", "topic", "reason"
)
CONSOLE_REQUESTS: Final = _counter("leadline_console_requests_total", "Requests, by status: 200, 403, …", "status")
CONSOLE_STREAMS: Final = _gauge("leadline_console_streams", "Open streams of events, one for each page that is open.")
CONSOLE_PAGE_SECONDS: Final = _histogram("leadline_console_page_duration_seconds", "Duration of making one page.")


def at_zero(counter: Counter, *labels: Iterable[str]) -> None:
    """Let a counter begin at zero, for each combination of these values of its labels."""
    for values in product(*labels):
        counter.labels(*values)


def serve(role: str, settings: MetricsSettings) -> None:
    """Set the build info; serve the metrics over HTTP if a port is set, and export them if a collector is, until the
    process ends.

    Raises UsageError when it cannot listen on that address, ModuleNotFoundError without the packages of an export.
    """
    BUILD_INFO.labels(__version__, role).set(1)
    if role == "stream":
        at_zero(STREAM_RECORDS, ("judged", "known", "tick", "bad", "unplaced"))
        at_zero(STREAM_DEADLETTERS, BAD_RECORD_REASONS)
        at_zero(STREAM_TRANSITIONS, _rules(), ("pending", "firing", "unknown", "resolved"))
    elif role in ("sink", "console"):
        skipped = SINK_BAD_RECORDS if role == "sink" else CONSOLE_BAD_RECORDS
        at_zero(skipped, CODECS, BAD_RECORD_REASONS)
    elif role == "verify":
        at_zero(VERIFY_CHUNKS, ("matching", "different", "undecided"))
    if settings.otlp_endpoint is not None:
        from leadline import otlp  # its packages are an extra

        otlp.start(role, REGISTRY, settings.otlp_endpoint, settings.otlp_every_s, SystemClock(), settings.port or None)
    if not settings.port:
        return
    try:
        start_http_server(settings.port, addr=settings.address, registry=REGISTRY)
    except OSError as error:
        where = f"{settings.address}:{settings.port}"
        raise UsageError(
            f"cannot serve metrics on {where}: {error.strerror}; set metrics.port to a free port, or 0 for none"
        ) from None


def _rules() -> Iterable[str]:
    from leadline.catalogue import RULES  # only a process that judges has it in memory anyway

    return RULES


def listing() -> dict[str, tuple[str, str]]:
    """Name of every metric as scraped, with its kind and meaning."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
        for family in REGISTRY.collect()
    }
