"""The metrics endpoint of a process."""

from leadline import __version__
from leadline.metrics import REGISTRY, serve
from leadline.settings.common import MetricsSettings


def test_what_runs_is_a_metric() -> None:
    """A process says its role and version, also when nothing is served."""
    serve("stream", MetricsSettings())
    assert REGISTRY.get_sample_value("leadline_build_info", {"version": __version__, "role": "stream"}) == 1
