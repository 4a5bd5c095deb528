"""HTTP: the wait that a response asks for."""

import httpx
import pytest

from leadline.clock import ManualClock
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import Retry
from tests.unit.sinks import made


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("9" * 400, 999999.0),
        ("Fri, 10 Apr 2026 10:00:33 GMT", 29.88),
        ("Fri, 10 Apr 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٧", None),
        ("soon", None),
        ("Fri, 10 Apr 2026 10:00:33", None),
    ],
)
async def test_retry_after(given: str, seconds: float | None) -> None:
    """A number of seconds, or a date as seconds from now; None for anything else."""
    transport = httpx.MockTransport(lambda _: httpx.Response(429, headers={"retry-after": given.encode()}))
    async with Http(ManualClock(made.START), transport) as http:
        response = await http.post("http://x.example", b"", {})
        assert not isinstance(response, Retry)
        assert http.retry_after(response) == (None if seconds is None else pytest.approx(seconds))
