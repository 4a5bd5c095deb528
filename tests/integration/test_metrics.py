"""The metrics endpoint on a port."""

import socket

import pytest

from leadline.errors import UsageError
from leadline.metrics import serve
from leadline.settings.common import MetricsSettings


def test_a_port_that_is_taken() -> None:
    """A port that another process listens on is a wrong setting, named with its path."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot serve metrics on 127.0.0.1:{port}: .*; set metrics.port"):
            serve("stream", MetricsSettings(port=port))
