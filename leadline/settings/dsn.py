"""Connection strings of databases: their form, and their address without secrets."""

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

from leadline.errors import UsageError

FORM = "postgresql://user@host:5432/database or 'host=... port=5432 user=... dbname=...'"


def parts(dsn: str) -> dict[str, str]:
    """The keywords of a connection string. Raises UsageError, which does not quote an invalid string.

    The error of libpq is not passed on: it quotes parts of the string, which may belong to the password.
    """
    try:
        found = conninfo_to_dict(dsn)
    except Error:
        found = {}
    if not found:
        raise UsageError(
            f"this is not a connection string; the form is {FORM}; "
            "percent-encode special characters in a URL, put values with spaces in single quotes"
        )
    known = {key: str(value) for key, value in found.items() if value is not None}
    if any("@" in host[1:] for host in known.get("host", "").split(",")):  # at its beginning: an abstract socket
        # libpq ends the password at the first @ and takes the rest for the host, which would be printed.
        raise UsageError("the host contains @, which may belong to the password; percent-encode it as %40")
    for port in known.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise UsageError(f"{port[:20]!r} is not a port; give a number from 1 to 65535")
    return known


def address(dsn: str) -> str:
    """``host:port`` of a connection string, for messages; several are separated by commas."""
    found = parts(dsn)
    hosts = (found.get("host") or found.get("hostaddr") or "localhost").split(",")
    ports = (found.get("port") or "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=False))
