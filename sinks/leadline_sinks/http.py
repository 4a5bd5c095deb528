"""The only module that speaks HTTP: one request, its answer or why there is none. Nothing is retried here."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from leadline import __version__
from leadline.clock import Clock
from leadline_sinks.notify.sink import Reason, Retry

for _library in ("httpx", "httpcore"):
    # httpx logs every address at level info, and an address may be a secret; level debug does not bring that back.
    logging.getLogger(_library).setLevel(logging.WARNING)

CONNECT_S = 5.0
ANSWER_S = 10.0
MAX_ANSWER_BYTES = 64 * 1024
"""Of an answer; vendors' are far shorter, and a longer one is none of theirs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``body`` is cut at ``MAX_ANSWER_BYTES``."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Http:
    """A client with a connection pool, for one sink."""

    def __init__(self, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._clock = clock
        # No proxy of a stray variable, no redirect: what we send is confidential and its address was given. A client
        # that is given its transport asks the environment for none; SSL_CERT_FILE still counts.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            headers={"user-agent": f"leadline/{__version__}"},
            follow_redirects=False,
            transport=transport or httpx.AsyncHTTPTransport(),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Retry:
        """Send a body; a ``Retry`` says why there is no answer. The address, which may be a secret, is in none."""
        try:
            async with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
                taken = b""
                async for part in response.aiter_bytes():
                    taken += part
                    if len(taken) >= MAX_ANSWER_BYTES:
                        break
                return Answer(response.status_code, dict(response.headers), taken[:MAX_ANSWER_BYTES])
        except httpx.ConnectTimeout:
            return Retry(Reason.UNREACHABLE, f"no connection in {CONNECT_S:g} s")
        except httpx.TimeoutException:
            return Retry(Reason.TIMEOUT, f"no answer in {ANSWER_S:g} s")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError, ExceptionGroup):
            # Some of what is wrong with an address is only found below httpx: a name's encoding, a port above 65535.
            return Retry(Reason.UNREACHABLE, "the address is not one that can be asked; check it")
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return Retry(Reason.TIMEOUT, "it hung up before it had answered")
        except httpx.HTTPError as error:
            return Retry(Reason.UNREACHABLE, type(error).__name__)

    def retry_after(self, answer: Answer) -> float | None:
        """Seconds that the answer asks us to wait (RFC 9110, section 10.2.3: a number or a date), if it does."""
        text = answer.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:6])
        try:
            wait = (parsedate_to_datetime(text) - self._clock.now()).total_seconds()
        except (TypeError, ValueError):
            return None
        return max(0.0, wait)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()
