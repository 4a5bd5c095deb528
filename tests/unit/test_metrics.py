"""The metrics endpoint of a process."""

import re
from pathlib import Path

from leadline import __version__
from leadline.metrics import REGISTRY, serve
from leadline.settings.common import MetricsSettings
from leadline.wire import BAD_RECORD_REASONS
from leadline_sinks.notify.attempts import count_from_zero
from leadline_sinks.notify.sink import Reason


def test_what_runs_is_a_metric() -> None:
    """A process says its role and version, also when nothing is served."""
    serve("stream", MetricsSettings())
    assert REGISTRY.get_sample_value("leadline_build_info", {"version": __version__, "role": "stream"}) == 1


def test_the_first_failure_is_an_increase() -> None:
    """`increase` of Prometheus sees no event by which a series begins: alerts on it did not fire at the first failure
    after a start (aptible/supercronic issue 83, kyverno/kyverno issue 6962, argoproj/argo-events issue 3905,
    strimzi/strimzi-canary issue 215, prometheus/client_js issue 63). So what may fail is there before, at zero."""
    serve("stream", MetricsSettings())
    for reason in BAD_RECORD_REASONS:
        assert REGISTRY.get_sample_value("leadline_stream_deadletters_total", {"reason": reason}) is not None
    fired = {"rule": "replication_lag", "to": "firing"}
    assert REGISTRY.get_sample_value("leadline_stream_transitions_total", fired) is not None
    for role in ("sink", "console"):
        serve(role, MetricsSettings())
        labels = {"topic": "incidents", "reason": "not_json"}
        assert REGISTRY.get_sample_value(f"leadline_{role}_bad_records_total", labels) is not None
    count_from_zero("a target without a delivery")
    for name in ("leadline_sink_failures_total", "leadline_sink_given_up_total"):
        for reason in Reason:
            labels = {"target": "a target without a delivery", "reason": str(reason)}
            assert REGISTRY.get_sample_value(name, labels) == 0


def test_counters_of_rules_begin_at_zero() -> None:
    """Each counter on whose increase a rule stands is one of those that do."""
    rules = Path(__file__).parents[2] / "deploy/prometheus/rules.yml"
    serve("stream", MetricsSettings())
    for name in re.findall(r"(?:increase|rate)\((\w+)", rules.read_text()):
        family = next(each for each in REGISTRY.collect() if f"{each.name}_total" == name)
        assert family.samples, name
