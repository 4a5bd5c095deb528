"""Connection strings of databases: their form, and their address without secrets."""

import os
from configparser import Error as ConfigError
from configparser import RawConfigParser
from difflib import get_close_matches
from typing import Final

from psycopg import Error, pq
from psycopg.conninfo import conninfo_to_dict

from leadline.errors import UsageError

_VARIABLES: Final = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "options": "PGOPTIONS"}
_SYSCONFDIR: Final = "/etc/postgresql-common"
"""Of Debian's libpq; others take it from PGSYSCONFDIR."""
_SPACES: Final = "separate keywords with spaces"
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
        raise UsageError(f"this is not a connection string; the form is {FORM}; {_remedy(dsn)}")
    known = {key: str(value) for key, value in found.items() if value is not None}
    if wrong := next(filter(None, map(_wrong_host, known.get("host", "").split(","))), None):
        raise UsageError(wrong)
    for port in known.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            # libpq ends the host at the first /, and takes what is between : and / of a password for the port.
            raise UsageError("the port is not a number from 1 to 65535; in the password of a URL, / is written as %2F")
    return known


def _remedy(dsn: str) -> str:
    """The likeliest slip, without a quotation: any part may belong to the password."""
    if dsn.lower().startswith("jdbc:"):
        return "leave out jdbc:"
    if "=" not in dsn and "://" not in dsn:
        return "a host alone is host=NAME, and one with a port host=NAME port=5432"
    if ";" in dsn:
        return _SPACES
    if (meant := misspelt(dsn)) is not None:
        return f"a keyword is not known; did you mean {meant}=?"
    return "percent-encode special characters in a URL, put values with spaces in single quotes"


def misspelt(dsn: str) -> str | None:
    """The keyword that the first one of a string without a scheme is near to; it is all that is shown."""
    first, equals, _ = dsn.partition("=")
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    if "://" in dsn or not equals or first.strip() in known:
        return None
    return next(iter(get_close_matches(first.strip().lower(), known, 1)), None)


def _wrong_host(host: str) -> str | None:
    """The problem with a host that holds more than a host. It is not quoted: the rest may be a password."""
    if "@" in host[1:]:  # at its beginning: an abstract socket. libpq ends the password at the first @ of a URL
        return "the host contains @, which may belong to the password; percent-encode it as %40"
    if ";" in host or "=" in host:
        return f"the host contains other keywords; {_SPACES}"
    if host.count(":") == 1 and not host.startswith("/"):  # an IPv6 address has more
        return "the host contains a port; give it as port=5432"
    return None


def resolved(dsn: str) -> dict[str, str]:
    """The keywords of a connection string, and those that its service and the environment add, as libpq does.

    Of the environment: host, port and options. Raises UsageError as ``parts`` does. A service that is not found adds
    nothing: connecting fails, and libpq names it.
    """
    found = parts(dsn)
    given = {key: value for key, name in _VARIABLES.items() if (value := os.environ.get(name))}
    service = found.get("service") or os.environ.get("PGSERVICE")
    return given | (_of_service(service) if service else {}) | found


def _of_service(name: str) -> dict[str, str]:
    """The section of the first service file that has it; see https://www.postgresql.org/docs/current/libpq-pgservice.html"""
    own = os.environ.get("PGSERVICEFILE") or os.path.expanduser("~/.pg_service.conf")
    for file in (own, os.path.join(os.environ.get("PGSYSCONFDIR", _SYSCONFDIR), "pg_service.conf")):
        sections = RawConfigParser(delimiters="=", comment_prefixes="#", strict=False, default_section="")
        try:
            sections.read(file, "utf-8")
        except (ConfigError, UnicodeDecodeError):
            continue
        if sections.has_section(name):
            return dict(sections.items(name))
    return {}


def address(dsn: str) -> str:
    """``host:port`` of a connection string, for messages; several are separated by commas.

    ``service NAME`` for a service that no file has.
    """
    found = resolved(dsn)
    if not {"host", "hostaddr"} & found.keys() and (service := found.get("service") or os.environ.get("PGSERVICE")):
        return f"service {service}"
    hosts = (found.get("host") or found.get("hostaddr") or "localhost").split(",")
    ports = (found.get("port") or "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    pairs = zip((f"[{host}]" if ":" in host else host for host in hosts), ports, strict=False)
    return ",".join(f"{host}:{port}" for host, port in pairs)
