"""Metrics for an OpenTelemetry collector: the same numbers that Prometheus reads, sent at an interval over HTTP.

What Prometheus would not read is not sent either: a gauge of what is no longer seen ends with the last export that has
it. A collector that is away delays nobody: what it missed is in the next export, since counters count from the start.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from leadline import __version__
from leadline.clock import Clock

if TYPE_CHECKING:  # the base install has no OpenTelemetry
    from opentelemetry.sdk.metrics.export import HistogramDataPoint, Metric, MetricsData, NumberDataPoint

TIMEOUT_S: Final = 10.0
UNITS: Final = {"seconds": "s", "bytes": "By", "ratio": "1"}
"""Units of UCUM, as OpenTelemetry asks for, by the last word of a name."""

log = logging.getLogger(__name__)


def start(role: str, registry: CollectorRegistry, endpoint: str, every_s: float, clock: Clock) -> Event:
    """Export at each interval, from a thread that ends with the process, or when the event that is returned is set.

    Raises ModuleNotFoundError without the extra ``otel``.
    """
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter, stop = OTLPMetricExporter(endpoint=endpoint, timeout=TIMEOUT_S), Event()
    Thread(target=_run, args=(exporter, role, registry, every_s, clock, stop), name="otlp", daemon=True).start()
    return stop


def _run(exporter: Any, role: str, registry: CollectorRegistry, every_s: float, clock: Clock, stop: Event) -> None:
    from opentelemetry.sdk.metrics.export import MetricExportResult

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would repeat a traceback at each export
    began_ns, fails = int(clock.now().timestamp() * 1e9), False
    while not stop.wait(every_s):
        data = converted(registry.collect(), role, began_ns, int(clock.now().timestamp() * 1e9))
        try:
            failed = exporter.export(data) is not MetricExportResult.SUCCESS
        except Exception as error:
            log.debug("export of metrics: %s", error)
            failed = True
        if failed != fails:
            log.warning("the OpenTelemetry collector %s", "takes no metrics" if failed else "takes metrics again")
        fails = failed


def converted(families: Iterable[Family], role: str, began_ns: int, now_ns: int) -> "MetricsData":
    """The values of a registry as one export. Families without a value are left out."""
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    made = [metric for family in families if (metric := _metric(family, began_ns, now_ns)) is not None]
    scope = ScopeMetrics(InstrumentationScope("leadline", __version__), made, "")
    resource = Resource({"service.name": f"leadline-{role}", "service.version": __version__})
    return MetricsData([ResourceMetrics(resource, [scope], "")])


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
