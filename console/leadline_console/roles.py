"""Persons and what they may do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase

from leadline.settings.web_console import RoleSettings


class ConsoleRole(IntEnum):
    """The rights of somebody; each role has those of the ones before it."""

    NONE = 0
    VIEW = 1
    ACK = 2
    """Acknowledge incidents, and add notes."""
    ADMIN = 3
    """Silence notifications."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever sent a request."""

    name: str
    """Actions are recorded under it."""
    role: ConsoleRole

    def may(self, role: str) -> bool:
        """Whether this role, ``view``, ``ack`` or ``admin``, is included in their own."""
        return self.role >= ConsoleRole[role.upper()]


def role_of(name: str, groups: Sequence[str], settings: RoleSettings) -> ConsoleRole:
    """The highest role whose patterns match the name, or one of the groups as ``group:NAME``."""
    known = [name, *(f"group:{group}" for group in groups)]
    for role, patterns in (
        (ConsoleRole.ADMIN, settings.admin),
        (ConsoleRole.ACK, settings.ack),
        (ConsoleRole.VIEW, settings.view),
    ):
        if any(fnmatchcase(each, pattern) for each in known for pattern in patterns):
            return role
    return ConsoleRole.NONE
