"""The metrics endpoint of a process."""

import socket

import pytest

from leadline import __version__
from leadline.errors import UsageError
from leadline.metrics import REGISTRY, serve
from leadline.settings.common import MetricsSettings


def test_a_port_that_is_taken() -> None:
    """A port that another process listens on is a wrong setting, named with its path."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot serve metrics on 127.0.0.1:{port}: .*; set metrics.port"):
            serve("stream", MetricsSettings(port=port))


def test_what_runs_is_a_metric() -> None:
    """A process says its role and version, also when nothing is served."""
    serve("stream", MetricsSettings())
    assert REGISTRY.get_sample_value("leadline_build_info", {"version": __version__, "role": "stream"}) == 1
