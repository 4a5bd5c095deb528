"""Metrics for an OpenTelemetry collector: a receiver on a port takes them and reads the protobuf."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from leadline import otlp
from leadline.clock import ManualClock, SystemClock
from leadline.subject_metrics import LINK_LAG, registered
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.wait import eventually

LINK = ("orders", "orders/pg-1->pg-2", "pg-1", "pg-2")


class Collector(BaseHTTPRequestHandler):
    """Takes exports, and refuses those that are no OTLP."""

    requests: list[ExportMetricsServiceRequest]
    refused = 0
    status = 200
    location = ""

    def do_GET(self) -> None:
        """The page of a login."""
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = decompress(body)
        request = ExportMetricsServiceRequest()
        request.ParseFromString(body)
        is_otlp = self.path == "/v1/metrics" and self.headers["content-type"] == "application/x-protobuf"
        self.send_response(self.status if is_otlp else 415)
        if self.location:
            self.send_header("location", self.location)
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


def attributes(request: ExportMetricsServiceRequest) -> dict[str, str]:
    (about,) = request.resource_metrics
    return {each.key: each.value.string_value for each in about.resource.attributes}


def exported(endpoint: str, received: type[Collector], port: int | None = None) -> ExportMetricsServiceRequest:
    registry = CollectorRegistry()
    Counter("leadline_some_total", "Counted.", registry=registry).inc()
    before = len(received.requests)
    stop = otlp.start("stream", registry, endpoint, 0.05, SystemClock(), port)
    eventually("an export", lambda: len(received.requests) > before)
    stop.set()
    return received.requests[before]


def test_each_process_is_an_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an identity of their own, the counters of all replicas were one series, which went back at every export:
    15 times too many, or 99 % of the points refused (PostHog/posthog pull request 68077, superserve-ai/sandbox pull
    request 410, open-telemetry/opentelemetry-collector issue 2315). What people set in the environment counts."""
    with collector() as (endpoint, received):
        one, other = (attributes(exported(endpoint, received, port)) for port in (9187, None))
        assert one["service.instance.id"] == f"{one['host.name']}:9187"
        assert re.fullmatch(rf"{re.escape(one['host.name'])}:pid-\d+", other["service.instance.id"])
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,service.instance.id=blue")
        given = attributes(exported(endpoint, received, 9187))
    assert (given["deployment.environment.name"], given["service.instance.id"]) == ("prod", "blue")
    assert given["service.name"] == "leadline-stream"


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_address_without_a_path(slash: str) -> None:
    """Only a variable of OpenTelemetry gets the path by itself, so exports went to `/` and were answered with 404
    (open-telemetry/opentelemetry-python issue 3200, apollographql/federation pull request 3465,
    open-telemetry/opentelemetry-collector issue 10761)."""
    with collector() as (endpoint, received):
        exported(endpoint.removesuffix("/v1/metrics") + slash, received)
        assert received.refused == 0


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "leadline.otlp"]


def test_why_a_collector_takes_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the reason and what to look at, once: `takes no metrics` left people to guess between a wrong
    path, a wrong port and a collector that is down (open-telemetry/opentelemetry-python issue 3200,
    prometheus/docs pull request 2755, open-telemetry/opentelemetry-js issue 4129)."""
    caplog.set_level(logging.WARNING, "leadline.otlp")
    monkeypatch.setattr(otlp, "TIMEOUT_S", 2.5)  # so long the exporter tries again
    registry = CollectorRegistry()
    Counter("leadline_some_total", "Counted.", registry=registry).inc()
    with collector() as (endpoint, received), Port() as away:
        for where, words in (
            (endpoint.replace("metrics", "traces"), "code: 415"),
            (f"http://{HOST}:{away.number}", "connection refused; check metrics.otlp_endpoint"),
        ):
            caplog.clear()
            stop = otlp.start("stream", registry, where, 0.05, SystemClock())
            eventually("a warning", lambda: bool(ours(caplog)))
            stop.set()
            (line,) = ours(caplog)
            assert line.startswith("the OpenTelemetry collector takes no metrics: ")
            assert words in line
        assert received.requests == []


@pytest.mark.parametrize("status", [301, 302, 304, 307])
def test_a_collector_that_leads_elsewhere(caplog: pytest.LogCaptureFixture, status: int) -> None:
    """A proxy that wants a login answers so: the exporter of the library follows without the body, takes the page for
    success, and all metrics are lost without a word."""
    caplog.set_level(logging.WARNING, "leadline.otlp")
    registry = CollectorRegistry()
    Counter("leadline_some_total", "Counted.", registry=registry).inc()
    with collector() as (endpoint, received):
        received.status, received.location = status, "/login"
        stop = otlp.start("stream", registry, endpoint, 0.05, SystemClock())
        eventually("a warning", lambda: ours(caplog))
        assert f"it answers with status {status}, and exports follow no redirect" in ours(caplog)[0]
        received.status, received.location = 200, ""
        eventually("an export", lambda: bool(received.requests))
        stop.set()


def test_the_port_of_grpc() -> None:
    """It is the first that people try (open-telemetry/opentelemetry-python issue 3200)."""
    assert otlp.advice("http://collector:4317") == "port 4317 is that of gRPC; HTTP has 4318"
    assert otlp.advice("http://collector:4318/v1/metrics") == "check metrics.otlp_endpoint"
