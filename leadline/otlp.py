"""Metrics for an OpenTelemetry collector: the same numbers that Prometheus reads, sent at an interval over HTTP.

What Prometheus would not read is not sent either: a gauge of what is no longer seen ends with the last export that has
it. A collector that is away delays nobody: what it missed is in the next export, since counters count from the start.

Each process is an instance of its own (``service.instance.id``): the counters of two under one identity would be one
series that goes back at every export, and rates would be many times too high (PostHog/posthog pull request 68077,
superserve-ai/sandbox pull request 410). ``OTEL_RESOURCE_ATTRIBUTES`` adds attributes, and replaces these.
"""

import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from leadline import __version__
from leadline.clock import Clock
from leadline.connection_error import reason_of
from leadline.logs import escape
from leadline.redaction.redact import redact

if TYPE_CHECKING:  # the base install has no OpenTelemetry
    from opentelemetry.sdk.metrics.export import HistogramDataPoint, Metric, MetricsData, NumberDataPoint
    from opentelemetry.sdk.resources import Resource
    from requests import Session

TIMEOUT_S: Final = 10.0
PATH: Final = "/v1/metrics"
"""The path at which collectors take metrics (OpenTelemetry, OTLP exporter, "Endpoint URLs for OTLP/HTTP")."""
GRPC_PORT: Final = 4317
UNITS: Final = {"seconds": "s", "bytes": "By", "ratio": "1"}
"""Units of UCUM, as OpenTelemetry asks for, by the last word of a name."""

log = logging.getLogger(__name__)


def start(
    role: str, registry: CollectorRegistry, endpoint: str, every_s: float, clock: Clock, port: int | None = None
) -> Event:
    """Export at each interval, from a thread that ends with the process, or when the event that is returned is set.

    An ``endpoint`` without a path gets that of collectors. ``port``: at which the process serves the same metrics.
    Raises ModuleNotFoundError without the extra ``otel``.
    """
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter, stop = OTLPMetricExporter(endpoint=address(endpoint), timeout=TIMEOUT_S, session=_session()), Event()
    given = (exporter, resource(role, port), registry, every_s, clock, stop, advice(endpoint))
    Thread(target=_run, args=given, name="otlp", daemon=True).start()
    return stop


def address(endpoint: str) -> str:
    """The URL of exports. One that has only a host would be answered with 404 (opentelemetry-python issue 3200)."""
    return endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + PATH


def advice(endpoint: str) -> str:
    """The first thing to look at when a collector takes nothing."""
    grpc = urlsplit(endpoint).netloc.endswith(f":{GRPC_PORT}")
    return "port 4317 is that of gRPC; HTTP has 4318" if grpc else "check metrics.otlp_endpoint"


def resource(role: str, port: int | None) -> "Resource":
    """The process: its role, its host, and its port or number there. Prometheus makes ``job`` and ``instance`` of the
    name and of the instance."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    host = socket.gethostname()
    own = {
        "service.name": f"leadline-{role}",
        "service.version": __version__,
        "service.instance.id": f"{host}:{port or f'pid-{os.getpid()}'}",
        "host.name": host,
    }
    return Resource(own).merge(OTELResourceDetector().detect())


class Redirected(OSError):
    """The collector's address leads elsewhere. Its text is for people."""


def _session() -> "Session":
    """Refuses redirects: the request that follows one has no body, and a page that answers it, such as that of a login,
    would count as success (requests, "Redirection and History"); an answer between 300 and 399 would, too."""
    from requests import Response, Session

    def refuse(response: Response, *_: object, **__: object) -> None:
        if 300 <= response.status_code < 400:
            response.close()
            raise Redirected(f"it answers with status {response.status_code}, and exports follow no redirect")

    session = Session()
    session.hooks["response"].append(refuse)
    return session


class _LastWords(logging.Handler):
    """Keeps what the exporter says first of a failure: it returns no reason, and would write a traceback each time."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first."""
        if not self.text:
            given = record.args if isinstance(record.args, tuple) else ()
            errors = [each for each in given if isinstance(each, BaseException)]
            self.text = _reason(errors[0]) if errors else escape(redact(record.getMessage()), 200).rstrip(".")


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, Redirected) else reason_of(error)


def _run(
    exporter: Any,
    about: "Resource",
    registry: CollectorRegistry,
    every_s: float,
    clock: Clock,
    stop: Event,
    hint: str,
) -> None:
    from opentelemetry.sdk.metrics.export import MetricExportResult

    library, words = logging.getLogger("opentelemetry"), _LastWords()
    library.propagate = False
    library.addHandler(words)
    began_ns, fails = int(clock.now().timestamp() * 1e9), False
    while not stop.wait(every_s):
        words.text = ""
        data = converted(registry.collect(), about, began_ns, int(clock.now().timestamp() * 1e9))
        try:
            failed = exporter.export(data) is not MetricExportResult.SUCCESS
        except Exception as error:
            words.text, failed = words.text or _reason(error), True
        if failed and not fails:
            why = words.text or "no reason is given"
            log.warning("the OpenTelemetry collector takes no metrics: %s; %s", why, hint)
        elif fails and not failed:
            log.warning("the OpenTelemetry collector takes metrics again")
        fails = failed
    library.removeHandler(words)


def converted(families: Iterable[Family], about: "Resource", began_ns: int, now_ns: int) -> "MetricsData":
    """The values of a registry as one export. Families without a value are left out."""
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    made = [metric for family in families if (metric := _metric(family, began_ns, now_ns)) is not None]
    scope = ScopeMetrics(InstrumentationScope("leadline", __version__), made, "")
    return MetricsData([ResourceMetrics(about, [scope], "")])


def _metric(family: Family, began_ns: int, now_ns: int) -> "Metric | None":
    from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Metric, Sum

    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    if not samples:
        return None
    data: Gauge | Sum | Histogram
    name = family.name
    if family.type == "counter":
        name = f"{family.name}_total"
        data = Sum(
            [_number(each, began_ns, now_ns) for each in samples], AggregationTemporality.CUMULATIVE, is_monotonic=True
        )
    elif family.type == "histogram":
        data = Histogram(list(_histograms(samples, began_ns, now_ns)), AggregationTemporality.CUMULATIVE)
    else:
        data = Gauge([_number(each, None, now_ns) for each in samples])
    return Metric(name, family.documentation, UNITS.get(family.name.rpartition("_")[2], ""), data)


def _number(sample: Sample, began_ns: int | None, now_ns: int) -> "NumberDataPoint":
    from opentelemetry.sdk.metrics.export import NumberDataPoint

    return NumberDataPoint(dict(sample.labels), began_ns, now_ns, sample.value)  # type: ignore[arg-type]  # of a gauge


def _histograms(samples: Iterable[Sample], began_ns: int, now_ns: int) -> "Iterator[HistogramDataPoint]":
    """One point for each set of labels. Prometheus counts the values up to a bound, OpenTelemetry between two."""
    from opentelemetry.sdk.metrics.export import HistogramDataPoint

    series: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for sample in samples:
        labels: Mapping[str, str] = {name: value for name, value in sample.labels.items() if name != "le"}
        part = sample.labels.get("le") or sample.name.rpartition("_")[2]
        series.setdefault(tuple(labels.items()), {})[part] = sample.value
    for named, parts in series.items():
        bounds = sorted((float(part), count) for part, count in parts.items() if part not in ("sum", "count"))
        upto = [count for _, count in bounds]
        yield HistogramDataPoint(
            attributes=dict(named),
            start_time_unix_nano=began_ns,
            time_unix_nano=now_ns,
            count=int(parts["count"]),
            sum=parts["sum"],
            bucket_counts=[int(count - before) for count, before in zip(upto, [0.0, *upto[:-1]], strict=True)],
            explicit_bounds=[bound for bound, _ in bounds if bound != float("inf")],
            min=None,  # type: ignore[arg-type]  # Prometheus keeps neither, and the export leaves out what is None
            max=None,  # type: ignore[arg-type]
        )
