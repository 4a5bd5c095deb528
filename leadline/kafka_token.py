"""Tokens for SASL/OAUTHBEARER (RFC 7628): from a file, or from a token endpoint with the credentials of a client.

Importing this module loads aiokafka, which takes a tenth of a second.
"""

import asyncio
import base64
import binascii
import json
from functools import cache
from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import OAuthAuthenticator
from aiokafka.errors import KafkaError

from leadline.clock import Clock, SystemClock, epoch
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.redaction.redact import redact
from leadline.settings.common import KafkaSettings

ENDPOINT_S: Final = 10.0
FRESH_SHARE: Final = 0.8
"""A token is used for this share of the time for which it is valid, so that none ends on its way to the broker."""
FRESH_MOST_S: Final = 300.0
"""No longer than this: a broker may begin to refuse it."""
VALID_S: Final = 60.0
"""The time for which a token is taken to be valid where the endpoint does not state it."""
MAX_ANSWER: Final = 200
GROUP: Final = "kafka.sasl.oauthbearer"


class TokenError(KafkaError):  # type: ignore[misc]
    """There is no token. ``str`` is for a person. Clients take it for a broker that is away, and try again."""

    def __str__(self) -> str:
        return str(self.args[0])


class TokenRefused(TokenError):
    """The settings have to be corrected."""


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]
    """The token of one login. A file is read at each connection; what an endpoint gave is kept while it is fresh."""

    def __init__(self, kafka: KafkaSettings, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._token = ""
        self._fresh_until = 0.0

    async def token(self) -> str:
        """The token. Raises TokenError."""
        try:
            if self._kafka.sasl_oauthbearer_token is not None:
                return self._kafka.sasl_oauthbearer_token.reveal().strip()
            if not self._token or self._clock.monotonic() >= self._fresh_until:
                await self._fetch()
        except UsageError as error:
            raise TokenRefused(str(error)) from None
        return self._token

    def extensions(self) -> dict[str, str]:
        """Pairs that are sent beside the token."""
        return dict(pair.split("=", 1) for pair in (self._kafka.sasl_oauthbearer_extensions or "").split(",") if pair)

    def expired(self) -> str:
        """That the token used last has expired, as it states; empty when it has not, or cannot be read."""
        used = self._kafka.sasl_oauthbearer_token
        ends = expires(used.reveal().strip() if used is not None else self._token)
        left_s = None if ends is None else ends - epoch(self._clock.now())
        return f"it expired {-left_s:.0f} s ago by this host's clock; " if left_s is not None and left_s <= 0 else ""

    async def _fetch(self) -> None:
        answer = await self._ask()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise TokenRefused(f"{self._url} answers without an access_token; check {GROUP}.token.endpoint.url")
        lives_s = answer.get("expires_in")
        kept_s = FRESH_SHARE * (lives_s if isinstance(lives_s, int | float) else VALID_S)
        self._token, self._fresh_until = token, self._clock.monotonic() + min(kept_s, FRESH_MOST_S)

    async def _ask(self) -> dict[str, Any]:
        try:
            import httpx
        except ImportError:
            raise TokenRefused(f"{GROUP}.token.endpoint.url needs httpx: pip install 'leadline[oauth]'") from None
        from leadline.kafka import trusting

        kafka = self._kafka
        secret = kafka.sasl_oauthbearer_client_secret
        assert secret is not None
        form = {"grant_type": "client_credentials"}
        if kafka.sasl_oauthbearer_scope is not None:
            form["scope"] = kafka.sasl_oauthbearer_scope
        login = (kafka.sasl_oauthbearer_client_id or "", secret.reveal())
        context = trusting("https.ca.location", kafka.https_ca_location)
        try:
            async with asyncio.timeout(ENDPOINT_S), httpx.AsyncClient(verify=context, timeout=ENDPOINT_S) as client:
                response = await client.post(self._url, data=form, auth=login)
        except (httpx.HTTPError, TimeoutError) as error:
            why = str(error) or f"no answer in {ENDPOINT_S:g} s"
            if "CERTIFICATE_VERIFY_FAILED" in why:
                raise TokenRefused(
                    f"{self._url} has a certificate that is not trusted; set kafka.https.ca.location to the CA "
                    f"that signed it, or correct {GROUP}.token.endpoint.url"
                ) from None
            raise TokenError(f"the token endpoint {self._url} does not answer: {redact(why)}") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        return self._checked(response.status_code, answer if isinstance(answer, dict) else {})

    def _checked(self, status: int, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer, if it is one (RFC 6749, section 5.2)."""
        if status == 200:
            return answer
        error = str(answer.get("error", ""))
        detail = ": ".join(str(answer[name]) for name in ("error", "error_description") if answer.get(name))
        reported = f"status {status}{', ' if detail else ''}{escape(redact(detail), MAX_ANSWER)}"
        if status >= 500 or status == 429:
            raise TokenError(f"the token endpoint {self._url} fails: {reported}")
        if error == "invalid_scope":
            wrong = f"{GROUP}.scope"
        elif error or status in (401, 403):
            wrong = f"{GROUP}.client.id and {GROUP}.client.secret"
        else:
            wrong = f"{GROUP}.token.endpoint.url"
        raise TokenRefused(f"the token endpoint {self._url} gives no token ({reported}); check {wrong}")

    @property
    def _url(self) -> str:
        return self._kafka.sasl_oauthbearer_token_endpoint_url or ""


@cache
def token_provider(kafka: KafkaSettings) -> TokenProvider:
    """The one of a process, so that its clients share tokens."""
    return TokenProvider(kafka, SystemClock())


def expires(token: str) -> float | None:
    """The end of a token's life, if it is a JSON Web Token that states one. Its signature is the broker's to check."""
    try:
        body = token.split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
    return float(ends) if isinstance(ends, int | float) else None


_step = OAuthAuthenticator.step


async def _answering(self: OAuthAuthenticator, payload: bytes | None) -> tuple[bytes, bool] | None:
    """The next message of a login. A payload is an error, which a broker reports once it is answered (RFC 7628, 3.2.3).

    aiokafka does not answer: it takes the refusal for a login, and its clients then wait for ever.
    """
    return (b"\x01", True) if payload else await _step(self, payload)


OAuthAuthenticator.step = _answering
