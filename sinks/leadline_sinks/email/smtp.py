"""The only module that uses SMTP: one message over one connection, and its outcome. It never retries.

A connection is made for each message: servers close idle ones, and what is left of a broken one is unknown.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from leadline.errors import UsageError
from leadline.logs import escape
from leadline.redaction.redact import redact
from leadline.settings.email_target import EmailSettings
from leadline.settings.secret import MASK
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

TIMEOUT_S: Final = 15.0
"""For each answer of the server."""
NOT_OFFERED: Final = "the server offers no such login or encryption; check encryption and port"
_WORDS: Final = 200
"""Characters of a server's words in a detail."""
_SIZE: Final = 552
"""RFC 1870: the message is larger than the server takes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has the message for these addresses. Those in ``later`` are to be tried again, not ``refused``."""

    has: tuple[str, ...]
    later: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    detail: str = ""
    """The server's words about the first that it did not accept."""


class Smtp:
    """A client for one server. ``before`` is awaited before each connection, and before each message is handed over."""

    def __init__(self, settings: EmailSettings, before: Callable[[], Awaitable[None]] | None = None) -> None:
        assert settings.host is not None
        self._settings = settings
        self._before = before

    async def send(self, sender: str, to: Sequence[str], message: bytes) -> Accepted | Retry | GiveUp:
        """Send a message. Where the outcome is not known, the reason is ``timeout``."""
        handed_over = False
        try:
            async with self._connected() as client:
                await client.mail(sender)
                answers = {address: await _recipient(client, address) for address in to}
                has = tuple(address for address, answer in answers.items() if answer is None)
                if not has:
                    return self._nobody([answer for answer in answers.values() if answer is not None])
                if self._before is not None:
                    await self._before()
                handed_over = True
                await client.data(message)
                later = tuple(address for address, answer in answers.items() if answer and answer.code < 500)
                refused = tuple(address for address, answer in answers.items() if answer and answer.code >= 500)
                first = next((answer for answer in answers.values() if answer is not None), None)
                return Accepted(has, later, refused, self._words(first) if first is not None else "")
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._failure(error, handed_over)

    async def probe(self) -> Retry | GiveUp | None:
        """Connect, with the login, and send nothing; None when that succeeds."""
        try:
            async with self._connected():
                return None
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._failure(error, handed_over=False)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        settings = self._settings
        password = settings.password.reveal() if settings.password is not None else None
        if self._before is not None:
            await self._before()
        context = ssl.create_default_context(cafile=settings.ca_file) if settings.encryption != "none" else None
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.connects_to,
            timeout=TIMEOUT_S,
            use_tls=settings.encryption == "tls",
            start_tls=settings.encryption == "starttls",
            tls_context=context,
        )
        try:
            await client.connect()
            if settings.username is not None and password is not None:
                await client.login(settings.username, password)
            yield client
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()

    def _nobody(self, answers: Sequence[aiosmtplib.SMTPResponseException]) -> Retry | GiveUp:
        """The server takes the message for no address."""
        later = [answer for answer in answers if answer.code < 500]
        if later:
            return Retry(Reason.UNAVAILABLE, f"no address is accepted now: {self._words(later[0])}")
        return Retry(Reason.TARGET_GONE, f"every address is refused: {self._words(answers[0])}; check email.to")

    def _failure(self, error: Exception, handed_over: bool) -> Retry | GiveUp:
        match error:
            case aiosmtplib.SMTPAuthenticationError():
                reason = Reason.UNAUTHORIZED if error.code >= 500 else Reason.UNAVAILABLE
                return Retry(reason, f"the login is refused: {self._words(error)}")
            case aiosmtplib.SMTPNotSupported():
                return Retry(Reason.UNAUTHORIZED, NOT_OFFERED)
            case aiosmtplib.SMTPResponseException() if error.code == _SIZE or (handed_over and error.code >= 500):
                return GiveUp(Reason.REJECTED, self._words(error))
            case aiosmtplib.SMTPResponseException() if error.code >= 500:
                return Retry(Reason.UNAUTHORIZED, f"the server refuses: {self._words(error)}; check sender and login")
            case aiosmtplib.SMTPResponseException() if error.code >= 400:
                return Retry(Reason.UNAVAILABLE, self._words(error))
            case _ if handed_over:
                return Retry(Reason.TIMEOUT, "no answer after the message was handed over; it may have arrived")
            case _ if (why := _certificate(error)) is not None:
                return Retry(Reason.UNAUTHORIZED, f"the certificate of the server is not trusted: {why}")
            case aiosmtplib.SMTPTimeoutError() | TimeoutError():
                return Retry(Reason.UNREACHABLE, f"no answer within {TIMEOUT_S:g} s; check port and encryption")
            case aiosmtplib.SMTPServerDisconnected():
                return Retry(Reason.UNREACHABLE, "the server closed the connection; check port and encryption")
            case FileNotFoundError() | ssl.SSLError():
                return Retry(Reason.UNAUTHORIZED, "TLS cannot begin; check ca_file, port and encryption")
        if type(error) is aiosmtplib.SMTPException:  # raised for STARTTLS or a login that the server does not offer
            return Retry(Reason.UNAUTHORIZED, NOT_OFFERED)
        return Retry(Reason.UNREACHABLE, f"no connection to the SMTP server ({type(error).__name__})")

    def _words(self, error: aiosmtplib.SMTPResponseException) -> str:
        """The code and words of a server on one line, without the password, whatever it repeats."""
        words = redact(str(error.message))
        for secret in (self._settings.password,):
            with contextlib.suppress(UsageError):
                words = words.replace(secret.reveal(), MASK) if secret is not None else words
        return f"{error.code}: {escape(' '.join(words.split()), _WORDS)}"


async def _recipient(client: aiosmtplib.SMTP, address: str) -> aiosmtplib.SMTPResponseException | None:
    """None when the server takes messages for an address; else its answer."""
    try:
        await client.rcpt(address)
    except aiosmtplib.SMTPRecipientRefused as refused:
        return refused
    return None


def _certificate(error: BaseException | None) -> str | None:
    """The reason for which a certificate is not trusted, where that is the cause of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return escape(error.verify_message or "it cannot be verified", _WORDS)
        error = error.__cause__ or error.__context__
    return None
