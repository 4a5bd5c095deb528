"""The only module that uses HTTP: one request, and its response or the reason why there is none. It never retries."""

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from leadline import __version__
from leadline.clock import Clock
from leadline.connection_error import reason_of
from leadline.errors import UsageError
from leadline.settings.targets import ProxySettings
from leadline_sinks.notify.sink import Reason, Retry

for _library in ("httpx", "httpcore"):
    # httpx reports every URL at level info, and a URL may be a secret. log.level debug does not change this.
    logging.getLogger(_library).setLevel(logging.WARNING)

CONNECT_S = 5.0
ANSWER_S = 10.0
"""For each part of a response."""
REQUEST_S = CONNECT_S + ANSWER_S
"""For a request and the whole response: one that comes in small parts would otherwise take for ever (encode/httpx issue
1450)."""
MAX_BODY_BYTES = 64 * 1024
"""Of a response body; those of the vendors are far shorter."""
PROXY_LOGIN = "the proxy asks for a login, or rejects the one that it got; check proxy.url"


@dataclass(frozen=True, slots=True)
class Response:
    """The response to a request. ``body`` is cut at ``MAX_BODY_BYTES``."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Http:
    """A client with a connection pool, for one sink."""

    def __init__(
        self,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: ProxySettings | None = None,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``before`` is awaited before each request, which is not made if it raises an error, and again directly
        before its body is written, when there is a connection.

        Raises UsageError when the address of the proxy, or the file of certificates, cannot be read.
        """
        self._clock = clock
        self._before = before
        trusted = _trusted() if transport is None else None
        self._direct = _client(transport or httpx.AsyncHTTPTransport(verify=trusted or True))
        self._proxied: httpx.AsyncClient | None = None
        self._proxy = proxy or ProxySettings()
        if trusted is not None and self._proxy.url is not None:
            self._proxied = _client(httpx.AsyncHTTPTransport(verify=trusted, proxy=self._proxy.url.reveal()))

    def _through(self, url: str) -> httpx.AsyncClient:
        """The client for a URL: through the proxy, if there is one for its host."""
        if self._proxied is None or not self._proxy.leads_to(httpx.URL(url).host):
            return self._direct
        return self._proxied

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response | Retry:
        """Send a body. A ``Retry`` says why there is no response, without the URL, which may be a secret."""
        if self._before is not None:
            await self._before()
        try:
            client = self._through(url)
            given: dict[str, Any] = {"headers": dict(headers), "extensions": {"trace": self._trace}}
            async with (
                asyncio.timeout(REQUEST_S),
                client.stream("POST", url, content=body, **given) as response,
            ):
                received = b""
                async for part in response.aiter_bytes():
                    received += part
                    if len(received) >= MAX_BODY_BYTES:
                        break
                if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED and client is self._proxied:
                    return Retry(Reason.UNAUTHORIZED, PROXY_LOGIN)
                return Response(response.status_code, dict(response.headers), received[:MAX_BODY_BYTES])
        except httpx.ProxyError as error:
            status = str(error)[:3]
            if status == str(httpx.codes.PROXY_AUTHENTICATION_REQUIRED.value):
                return Retry(Reason.UNAUTHORIZED, PROXY_LOGIN)
            answer = f"answers {status} in place of the target" if status.isdecimal() else "gives no valid answer"
            return Retry(Reason.UNREACHABLE, f"the proxy {answer}")
        except httpx.ConnectTimeout:
            return Retry(Reason.UNREACHABLE, f"no connection within {CONNECT_S:g} s")
        except httpx.TimeoutException:
            return Retry(Reason.TIMEOUT, f"no answer within {ANSWER_S:g} s")
        except TimeoutError:
            return Retry(Reason.TIMEOUT, f"no whole answer within {REQUEST_S:g} s")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError, ExceptionGroup):
            # Some invalid URLs are only found below httpx: the encoding of a name, a port above 65535.
            return Retry(Reason.UNREACHABLE, "the URL is not valid; check it in the settings")
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return Retry(Reason.TIMEOUT, "the connection was closed before the answer was complete")
        except httpx.DecodingError:
            return Retry(Reason.GARBLED, "the answer is not compressed in the way that it says")
        except httpx.HTTPError as error:
            return Retry(Reason.UNREACHABLE, reason_of(error))

    async def _trace(self, event: str, _: Any) -> None:
        """Called by httpx at each step of a request: a target takes it when it has its body."""
        if event.endswith("send_request_body.started") and self._before is not None:
            await self._before()

    def retry_after(self, response: Response) -> float | None:
        """Seconds that a response asks to wait (RFC 9110, section 10.2.3: a number or a date); None without."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:6])
        try:
            wait = (parsedate_to_datetime(text) - self._clock.now()).total_seconds()
        except (TypeError, ValueError):
            return None
        return max(0.0, wait)

    async def close(self) -> None:
        """Close the pool."""
        await self._direct.aclose()
        if self._proxied is not None:
            await self._proxied.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()


def _trusted() -> ssl.SSLContext:
    """The authorities whose certificates are accepted: those of the file or folder that the environment names, or the
    public ones. Raises UsageError."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one: a file without certificates
        named = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)
        what = f"the environment variable {named}" if named else "the file of public authorities"
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageError(f"{what}: cannot read certificates: {why}; name a file in PEM format") from None


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """A client that follows neither a proxy from a stray variable nor a redirect: the content is confidential, and its
    destination was configured. With a given transport it reads no proxy from the environment; SSL_CERT_FILE is read.
    """
    return httpx.AsyncClient(
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        headers={"user-agent": f"leadline/{__version__}"},
        follow_redirects=False,
        transport=transport,
    )
