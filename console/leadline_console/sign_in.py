"""The sender of a request, by a token, a trusted proxy's header or the session of a browser; or anybody on loopback."""

import hmac
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Final

from leadline.settings.web_console import SignInSettings, TokenSettings
from leadline_console.roles import ConsoleRole, Principal, role_of

SIGNED_IN: Final = "person"
"""Key of the session: name, groups, role of a token, and the time at which it ends."""
_MOST_GROUPS: Final = 200


def token_of(settings: SignInSettings, given: str) -> TokenSettings | None:
    """The token that was given; None for one that is not known. Every one is compared, in constant time."""
    found = None
    for each in settings.tokens:
        if hmac.compare_digest(each.token.reveal().encode(), given.encode("utf-8", "replace")):
            found = each
    return found


def session_for(name: str, groups: list[str], role: str, until: float) -> dict[str, Any]:
    """The entry of a session for somebody who has signed in; ``role`` is empty where the patterns decide."""
    return {"name": name[:255], "groups": groups[:_MOST_GROUPS], "role": role, "until": until}


class Doorkeeper:
    """Decides who somebody is by the settings. ``local`` is the name of people where nobody signs in."""

    def __init__(self, settings: SignInSettings, local: str) -> None:
        self._settings = settings
        self._open = Principal(local, ConsoleRole.ADMIN)
        self._trusted = [ip_network(each) for each in settings.header.trusted]

    def who(self, headers: Mapping[str, str], sender: str, session: Mapping[str, Any], now: float) -> Principal | None:
        """The person or program that sent a request; None for somebody who has to sign in.

        ``headers`` by name in lower case; ``sender`` is the address of the connection's other end; ``now`` in seconds
        since 1970.
        """
        if self._settings.is_open:
            return self._open
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            token = token_of(self._settings, given.strip())
            return Principal(token.name, ConsoleRole[token.role.upper()]) if token else None
        return self._by_header(headers, sender) or self._by_session(session, now)

    def _by_header(self, headers: Mapping[str, str], sender: str) -> Principal | None:
        header = self._settings.header
        if header.user is None or not self._trusts(sender):
            return None
        name = headers.get(header.user.lower(), "").strip()
        if not name:
            return None
        listed = headers.get(header.groups.lower(), "") if header.groups else ""
        groups = [group.strip() for group in listed.split(",") if group.strip()]
        return self._known(name[:255], groups)

    def _by_session(self, session: Mapping[str, Any], now: float) -> Principal | None:
        person = session.get(SIGNED_IN)
        if not isinstance(person, dict) or person.get("until", 0.0) < now:
            return None
        name, role = str(person["name"]), str(person["role"])
        return Principal(name, ConsoleRole[role.upper()]) if role else self._known(name, list(person["groups"]))

    def _known(self, name: str, groups: list[str]) -> Principal:
        return Principal(name, role_of(name, groups, self._settings.roles))

    def _trusts(self, sender: str) -> bool:
        try:
            address = ip_address(sender)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)
