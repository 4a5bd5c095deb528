"""Connection strings of databases: their form, and how to speak of them without their secrets."""

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

from leadline.errors import UsageError

FORM = "postgresql://user@host:5432/database or 'host=... port=5432 user=... dbname=...'"


def parts(dsn: str) -> dict[str, str]:
    """The keywords of a connection string. Raises UsageError, without quoting it, when it is not one.

    What libpq says about a malformed string is not passed on: it quotes pieces, which may be of the password.
    """
    try:
        found = conninfo_to_dict(dsn)
    except Error:
        found = {}
    if not found:
        raise UsageError(
            f"this is not a connection string; write {FORM}; "
            "percent-encode special characters in a URL, put values with spaces in single quotes"
        )
    known = {key: str(value) for key, value in found.items() if value is not None}
    if any("@" in host[1:] for host in known.get("host", "").split(",")):  # at its beginning: an abstract socket
        # libpq ends a password at the first @, and takes the rest of it for the host, which is no secret.
        raise UsageError("the host has an @, which may be the password's; percent-encode it as %40")
    for port in known.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise UsageError(f"{port[:20]!r} is not a port; write a number from 1 to 65535")
    return known


def address(dsn: str) -> str:
    """``host:port`` of a connection string, to speak of it in messages; several are separated by commas."""
    found = parts(dsn)
    hosts = (found.get("host") or found.get("hostaddr") or "localhost").split(",")
    ports = (found.get("port") or "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=False))
