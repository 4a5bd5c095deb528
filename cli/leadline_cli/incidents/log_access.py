"""Access to the incident log, and its records as JSON, for the commands about incidents."""

from typing import Any

from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings


def dsn(loaded: SinkSettings) -> str:
    """The connection string of the incident log. Raises UsageError when there is none."""
    if loaded.incident_log.dsn is None:
        raise UsageError(
            "no incident log is configured; give -c FILE with incident_log.dsn, or set LEADLINE_INCIDENT_LOG_DSN; "
            "`leadline query incidents` reads Kafka in its place"
        )
    return loaded.incident_log.dsn.reveal()


def plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as JSON values."""
    import orjson

    from leadline.wire import encode

    plain: dict[str, Any] = orjson.loads(encode(fields))
    return plain
