"""How a long-running command begins."""

import socket
from pathlib import Path

import pytest

from leadline import __version__
from leadline.cli.options import begin
from leadline.errors import UsageError
from leadline.metrics import REGISTRY
from leadline.settings.stream import StreamSettings

pytestmark = pytest.mark.usefixtures("own_logging")


def test_metrics_port_that_is_taken(tmp_path: Path) -> None:
    """A port that another process listens on is a wrong setting, named with its path."""
    path = tmp_path / "stream.yaml"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        path.write_text(f"metrics: {{port: {port}}}")
        with pytest.raises(UsageError, match=rf"^metrics.port: cannot listen on 127.0.0.1:{port}: "):
            begin("stream", StreamSettings, path)


def test_what_runs_is_a_metric() -> None:
    """A process says its role and version."""
    begin("stream", StreamSettings, None)
    assert REGISTRY.get_sample_value("leadline_build_info", {"version": __version__, "role": "stream"}) == 1
