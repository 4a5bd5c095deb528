"""The reason of a connection that failed, as the operating system or TLS gives it, without any address. Pure."""

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

CERTIFICATE: Final = "where an authority of your own has signed it, name its file in SSL_CERT_FILE"


def reason_of(error: BaseException) -> str:
    """The reason below an error of a client library; the name of its class where there is none.

    The text of the library itself is never quoted, since it may hold a URL, which may be a secret.
    """
    for found in _below(error):
        match found:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not accepted: {found.verify_message.rstrip('.')}; {CERTIFICATE}"
            case ssl.SSLError():
                what = (found.reason or "no agreement").replace("_", " ").lower()
                return f"no TLS with what answers there ({what}); check https and the port"
            case socket.gaierror():
                return f"its name cannot be resolved: {found.strerror}"
            case TimeoutError():
                return "no answer in time"
            case OSError(errno=int(number)):
                return os.strerror(number).lower()
            case ConnectionError():
                return "the connection was closed"
    return f"no connection ({type(error).__name__})"


def _below(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was made of, the one nearest to the network last."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting and len(seen) < 20:
        found = waiting.pop(0)
        if found in seen:
            continue
        seen.append(found)
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions
        waiting += [each for each in (found.__cause__, found.__context__) if each is not None]
    yield from seen
