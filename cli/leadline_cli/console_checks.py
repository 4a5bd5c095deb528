"""The checks of ``leadline doctor`` for a console: its address, its names, those that sign in, and what it reads."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from leadline.errors import LeadlineError, UsageError
from leadline.settings.dsn import address as database_address
from leadline.settings.secret import Secret
from leadline.settings.sink_routes import read_routes
from leadline.settings.stream_limits import read_limits
from leadline.settings.web_console import WebConsoleSettings, is_loopback
from leadline_cli.checks import TIMEOUT_S, CheckResult

NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
UNSPECIFIED: Final = ("0.0.0.0", "::")  # noqa: S104, an address of the settings
MAY_READ: Final = """
    SELECT quote_ident(current_user), current_setting('server_version'), count(*) > 0,
           coalesce(bool_and(has_table_privilege(pg_class.oid, 'SELECT')
                             AND has_schema_privilege(relnamespace, 'USAGE')), false)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'leadline' AND relname IN ('log', 'incident', 'incident_times')
"""
NO_LOG: Final = "there is no incident log; `leadline sink incident_log` creates it, or this is another database"


async def console(settings: WebConsoleSettings) -> list[CheckResult]:
    """Check everything beside Kafka."""
    found = [await _address(settings), _names(settings), *_sign_in(settings), *_files(settings)]
    if settings.sign_in.oidc.issuer is not None:
        found.append(await _provider(settings.sign_in.oidc.issuer))
    if settings.incident_log.dsn is not None:
        found += await _incident_log(settings.incident_log.dsn.reveal())
    return found


async def _address(settings: WebConsoleSettings) -> CheckResult:
    """Whether it can listen; a console that does already is fine."""
    from leadline_console.service import listen

    where = f"{settings.web.address}:{settings.web.port}"
    try:
        listen(settings).close()
    except UsageError as error:
        if await _is_console(settings):
            return CheckResult("web", "address", "ok", f"a console listens on {where} already")
        return CheckResult("web", "address", "fail", str(error))
    return CheckResult("web", "address", "ok", f"{where} is free")


async def _is_console(settings: WebConsoleSettings) -> bool:
    from httpx2 import AsyncClient, HTTPError, InvalidURL

    host = f"[{settings.web.address}]" if ":" in settings.web.address else settings.web.address
    try:
        async with AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(f"http://{host}:{settings.web.port}/healthz")
            return "feed_age_s" in answer.json()
    except (HTTPError, InvalidURL, ValueError):
        return False


def _names(settings: WebConsoleSettings) -> CheckResult:
    """The host names under which requests are answered, and whether people can have one of them."""
    from leadline_console.security import allowed_hosts

    web, names = settings.web, ", ".join(sorted(allowed_hosts(settings)))
    if web.address in UNSPECIFIED and web.url is None and not web.hosts:
        why = f"requests are answered under {names} only, by which nobody reaches it; set web.url or web.hosts"
        return CheckResult("web", "host names", "fail", why)
    host = urlsplit(web.url).hostname if web.url is not None else None
    try:
        if host is not None:
            socket.getaddrinfo(host, None)
    except OSError:
        return CheckResult("web", "host names", "fail", f"web.url: this host does not know the name {host}")
    return CheckResult("web", "host names", "ok", f"requests are answered under {names}")


def _sign_in(settings: WebConsoleSettings) -> Iterator[CheckResult]:
    given = settings.sign_in
    if given.is_open:
        yield CheckResult("sign_in", "ways", "ok", "none: everybody on this host is admin, nobody else reaches it")
        return
    ways = [f"{len(given.tokens)} token{'s' if len(given.tokens) > 1 else ''}"] if given.tokens else []
    ways += [f"header {given.header.user}"] if given.header.user is not None else []
    ways += [f"provider {given.oidc.issuer}"] if given.oidc.issuer is not None else []
    yield CheckResult("sign_in", "ways", "ok", ", ".join(ways))
    if given.header.user is not None:
        wide = [each for each in given.header.trusted if ip_network(each).prefixlen == 0]
        why = f"sign_in.header.trusted: with {', '.join(wide)} everybody may send the header; list the proxies alone"
        yield CheckResult("sign_in", "trusted proxies", "fail" if wide else "ok",
                          why if wide else ", ".join(given.header.trusted))  # fmt: skip
    url = settings.web.url or ""
    if url.startswith("http://") and not is_loopback(str(urlsplit(url).hostname)):
        why = "web.url begins with http: cookies and tokens cross the network in the clear; put a proxy with TLS there"
        yield CheckResult("sign_in", "TLS", "fail", why)


def _files(settings: WebConsoleSettings) -> Iterator[CheckResult]:
    """Secrets in files that others may read, and the files of the other processes."""
    given = settings.sign_in
    secrets = {
        **{f"sign_in.tokens[{number}].token_file": each.token for number, each in enumerate(given.tokens)},
        "sign_in.oidc.client_secret_file": given.oidc.client_secret,
        "sign_in.session_secret_file": given.session_secret,
        "incident_log.dsn_file": settings.incident_log.dsn,
    }
    for name, secret in secrets.items():
        if isinstance(secret, Secret) and secret.file is not None:
            mode = stat.S_IMODE(os.stat(secret.file).st_mode)
            wide = mode & (stat.S_IRWXO | stat.S_IWGRP)
            why = f"{secret.file} has mode {mode:04o}"
            fix = f"{why}: others may read or change it; run chmod 0600 {secret.file}"
            yield CheckResult(name, "mode", "fail" if wide else "ok", fix if wide else why)
    for name, path, read in (
        ("web.sink_settings", settings.web.sink_settings, read_routes),
        ("web.stream_settings", settings.web.stream_settings, read_limits),
    ):
        if path is not None:
            try:
                read(Path(path))
            except LeadlineError as error:
                yield CheckResult(name, "readable", "fail", str(error))
            else:
                yield CheckResult(name, "readable", "ok", path)


async def _provider(issuer: str) -> CheckResult:
    """The provider's configuration, as sign-in reads it."""
    from httpx2 import AsyncClient, HTTPError, InvalidURL

    where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        async with AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.get(where)
    except (HTTPError, InvalidURL) as error:
        why = f"{where} does not answer: {error or type(error).__name__}; check sign_in.oidc.issuer and the network"
        return CheckResult("sign_in.oidc", "provider", "unreachable", why)
    wrong = _wrong(answer.status_code, answer.text, issuer)
    if wrong:
        return CheckResult("sign_in.oidc", "provider", "fail", f"{where}: {wrong}; check sign_in.oidc.issuer")
    return CheckResult("sign_in.oidc", "provider", "ok", f"{issuer} signs people in")


def _wrong(status: int, text: str, issuer: str) -> str:
    if status != 200:
        return f"status {status}"
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return "the answer is no configuration of a provider"
    missing = [name for name in NEEDED if not found.get(name)]
    if missing:
        return f"it has no {', '.join(missing)}"
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        return f"it is that of issuer {found.get('issuer')}"
    methods = found.get("code_challenge_methods_supported")
    return "it does not offer PKCE with S256" if isinstance(methods, list) and "S256" not in methods else ""


async def _incident_log(dsn: str) -> list[CheckResult]:
    """Connect as the console does, and check that its role may read."""
    from leadline_sinks.incident_log.connection import connect
    from leadline_sinks.incident_log.pg_errors import outcome

    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await connect(dsn)
            async with connection:
                row = await (await connection.execute(MAY_READ.encode())).fetchone()
    except (psycopg.Error, OSError) as error:
        failed = outcome(error, dsn)
        away = failed.reason in ("unreachable", "timeout", "unavailable")
        return [CheckResult("incident_log", "answers", "unreachable" if away else "fail", failed.detail)]
    except LeadlineError as error:
        return [CheckResult("incident_log", "answers", "fail", str(error))]
    assert row is not None
    user, version, is_there, may = row
    refused = f"{user} may not read; run deploy/sql/incident_log.sql there, and GRANT leadline_log_reader TO {user};"
    rights = f"{user} may read" if may else refused if is_there else NO_LOG
    return [
        CheckResult("incident_log", "answers", "ok", f"PostgreSQL {version} at {database_address(dsn)}"),
        CheckResult("incident_log", "rights", "ok" if may else "fail", rights),
    ]
