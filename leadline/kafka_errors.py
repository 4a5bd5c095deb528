"""Errors of the Kafka clients. Importing this module loads aiokafka, which takes a tenth of a second."""

from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

CONNECTION_LOST: Final = (KafkaError, OSError, TimeoutError)
"""Raised by a producer or consumer when a broker is away or has changed. The client is closed and a new one is made."""


GRANT: Final = "grant what deploy/kafka/acls.sh lists for this role"


def reason(error: BaseException) -> str:
    """The error for a person: a right that is missing is named, with what gives it."""
    match error:
        case ClusterAuthorizationFailedError():
            return f"no right to write to any topic; {GRANT}"
        case TopicAuthorizationFailedError(args=(about, *_)):
            return f"no right to use topic {_names(about)}; {GRANT}"
        case GroupAuthorizationFailedError(args=(about, *_)):
            return f"no right to use consumer group {_names(about)}; {GRANT}"
        case TransactionalIdAuthorizationFailed(args=(about, *_)):
            return f"no right to use transactional id {_names(about)}; {GRANT}"
    return str(error) or type(error).__name__


def _names(about: object) -> str:
    return ", ".join(sorted(map(str, about))) if isinstance(about, set | frozenset | list | tuple) else str(about)
