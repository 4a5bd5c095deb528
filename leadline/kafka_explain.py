"""The reasons for which Kafka cannot be used, in words that name the setting to correct."""

import os
from ssl import SSLCertVerificationError, SSLError
from typing import Final

from aiokafka import errors

from leadline.errors import LeadlineError, UnreachableError, UsageError
from leadline.kafka_token import GROUP, TokenError, TokenRefused, token_provider
from leadline.logs import escape
from leadline.settings.common import KafkaSettings

OTHER_NAME: Final = (62, 64)
"""OpenSSL's codes for a certificate that has other names, and other addresses."""
EXPIRED: Final = 10


def explain(kafka: KafkaSettings, failed: dict[str, Exception]) -> LeadlineError:
    """The error to raise when these brokers could not be used, for these reasons."""
    (address, error), *others = failed.items()
    protocol = kafka.security_protocol
    match error:
        case SSLCertVerificationError(verify_code=code) if code in OTHER_NAME:
            return UsageError(
                f"Kafka at {address} has a certificate for another name ({error.verify_message.rstrip('.')}); "
                "set kafka.bootstrap to a name that the certificate has"
            )
        case SSLCertVerificationError(verify_code=code) if code == EXPIRED:
            return UsageError(f"Kafka at {address} has a certificate that has expired; renew it there")
        case SSLCertVerificationError():
            return UsageError(
                f"Kafka at {address} has a certificate that is not trusted ({error.verify_message}); "
                "set kafka.ssl.ca.location to the CA that signed it"
            )
        case SSLError():
            return UsageError(
                f"Kafka at {address} does not use TLS; check kafka.security.protocol, which is {protocol}"
            )
        case TokenRefused():
            return UsageError(str(error))
        case TokenError():
            return UnreachableError(str(error))
        case errors.UnsupportedSaslMechanismError():
            return UsageError(f"Kafka at {address} does not support kafka.sasl.mechanism {kafka.sasl_mechanism}")
        case errors.IllegalSaslStateError():
            return UsageError(
                f"Kafka at {address} expects no login; check kafka.security.protocol, which is {protocol}"
            )
        case errors.AuthenticationFailedError() | errors.SaslAuthenticationFailed() if kafka.uses_tokens:
            return _refused_token(kafka, address, error)
        case errors.AuthenticationFailedError() | errors.SaslAuthenticationFailed():
            return UsageError(
                f"Kafka at {address} refused the login of {kafka.sasl_username!r}; "
                "check kafka.sasl.username, kafka.sasl.password and kafka.sasl.mechanism"
            )
        case errors.KafkaConnectionError() | ConnectionResetError() | ConnectionAbortedError():
            return UnreachableError(
                f"Kafka at {address} closed the connection; check that this port is Kafka's and expects "
                f"kafka.security.protocol {protocol}{_certificate(kafka)}"
            )
        case TimeoutError():
            from leadline.kafka import CONNECT_TIMEOUT_S

            reason = f"no response in {CONNECT_TIMEOUT_S:g} s"
        case OSError(errno=int(number)) if number > 0:
            reason = os.strerror(number).lower()
        case _:
            reason = str(error) or type(error).__name__
    also = f" (nor {', '.join(name for name, _ in others)})" if others else ""
    return UnreachableError(f"Kafka at {address} does not answer{also}: {reason}; start it, or set kafka.bootstrap")


def _refused_token(kafka: KafkaSettings, address: str, error: Exception) -> LeadlineError:
    if kafka.sasl_oauthbearer_token is not None:
        wrong = f"renew {GROUP}.token"
    else:
        wrong = f"check {GROUP}.scope, and what the broker expects of the tokens of {GROUP}.token.endpoint.url"
    reported = escape(str(error.args[0]) if error.args else "", 200)
    return UsageError(f"Kafka at {address} refused the token ({reported}); {token_provider(kafka).expired()}{wrong}")


def _certificate(kafka: KafkaSettings) -> str:
    """Another possible reason where a connection is encrypted: brokers hang up on clients that they do not trust."""
    if not kafka.security_protocol.endswith("SSL"):
        return ""
    if kafka.ssl_certificate_location is None:
        return "; where it asks for a certificate of the client, set kafka.ssl.certificate.location"
    return "; and that it trusts the CA of kafka.ssl.certificate.location"
