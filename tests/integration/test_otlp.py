"""Metrics for an OpenTelemetry collector: a receiver on a port takes them and reads the protobuf."""

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from leadline import otlp
from leadline.clock import ManualClock, SystemClock
from leadline.subject_metrics import LINK_LAG, registered
from leadline_lab.sandbox.wait import eventually

LINK = ("orders", "orders/pg-1->pg-2", "pg-1", "pg-2")


class Collector(BaseHTTPRequestHandler):
    """Takes exports, and refuses those that are no OTLP."""

    requests: list[ExportMetricsServiceRequest]
    refused = 0
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = decompress(body)
        request = ExportMetricsServiceRequest()
        request.ParseFromString(body)
        is_otlp = self.path == "/v1/metrics" and self.headers["content-type"] == "application/x-protobuf"
        self.send_response(self.status if is_otlp else 415)
        self.send_header("content-length", "0")
        self.end_headers()
        if is_otlp and self.status == 200:
            self.requests.append(request)
        else:
            type(self).refused += 1

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, type[Collector]]]:
    handler = type("Handler", (Collector,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/metrics", handler
        finally:
            server.shutdown()
            thread.join()


def metrics_of(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    (resource,) = request.resource_metrics
    named = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert named["service.name"] == "leadline-stream"
    (scope,) = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def test_what_prometheus_would_read_is_sent() -> None:
    """Counters, gauges and histograms, under the same names, with units; a gauge that is gone is sent no more."""
    registry, clock = CollectorRegistry(), ManualClock()
    counted = Counter("leadline_some_total", "Counted.", ["node"], registry=registry)
    Gauge("leadline_some_bytes", "Measured.", registry=registry).set(2.5)
    spread = Histogram("leadline_some_seconds", "Spread.", registry=registry, buckets=(1, 10))
    links = registered(registry)
    counted.labels("pg-1").inc(3)
    for value in (0.5, 5, 50, 60):
        spread.observe(value)
    links.replace({LINK_LAG: {LINK: 1.5}}, 30.0, clock.monotonic)
    with collector() as (endpoint, received):
        stop = otlp.start("stream", registry, endpoint, 0.05, SystemClock())
        eventually("an export", lambda: bool(received.requests))
        first = metrics_of(received.requests[0])
        links.clear()
        before = len(received.requests)
        eventually("a later export", lambda: len(received.requests) > before + 1)
        stop.set()
    (total,) = first["leadline_some_total"].sum.data_points
    assert first["leadline_some_total"].sum.is_monotonic
    assert total.as_double == 3
    assert [(each.key, each.value.string_value) for each in total.attributes] == [("node", "pg-1")]
    assert 0 < total.start_time_unix_nano < total.time_unix_nano
    (size,) = first["leadline_some_bytes"].gauge.data_points
    assert (size.as_double, first["leadline_some_bytes"].unit) == (2.5, "By")
    (seconds,) = first["leadline_some_seconds"].histogram.data_points
    assert (list(seconds.bucket_counts), list(seconds.explicit_bounds)) == ([1, 1, 2], [1, 10])
    assert (seconds.count, seconds.sum, seconds.HasField("min")) == (4, 115.5, False)
    (lag,) = first[LINK_LAG].gauge.data_points
    assert (lag.as_double, {each.key: each.value.string_value for each in lag.attributes}["link"]) == (1.5, LINK[1])
    assert LINK_LAG not in metrics_of(received.requests[-1])


def test_a_collector_that_refuses_gets_the_whole_count_later() -> None:
    """Counters count from the start of the process, so nothing is lost by a collector that was away."""
    registry = CollectorRegistry()
    counted = Counter("leadline_some_total", "Counted.", registry=registry)
    with collector() as (endpoint, received):
        received.status = 400
        stop = otlp.start("stream", registry, endpoint, 0.05, SystemClock())
        counted.inc(7)
        eventually("a refusal", lambda: received.refused > 0)
        received.status = 200
        eventually("an export", lambda: bool(received.requests))
        stop.set()
    (total,) = metrics_of(received.requests[-1])["leadline_some_total"].sum.data_points
    assert total.as_double == 7
