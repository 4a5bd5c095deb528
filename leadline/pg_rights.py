"""The statement that lets a role of PostgreSQL see what ``pg_monitor`` shows, for every part that prints one. Pure."""

from typing import Final

OF_A_MEMBERSHIP: Final = 160000
"""``server_version_num`` since which each membership says whether it is inherited. An ALTER ROLE … INHERIT changes none
that exists, and neither does a GRANT without the option; see https://www.postgresql.org/docs/16/release-16.html"""


def monitor_grant(role: str, *, inherits: bool = True, version_num: int = 0) -> str:
    """The statements, without a semicolon at their end. ``role`` is quoted where SQL needs it.

    ``inherits``: a membership gives the role its rights at once; for others, those of a role with NOINHERIT, a plain
    GRANT changes nothing that the role sees.
    """
    if inherits:
        return f"GRANT pg_monitor TO {role}"
    if version_num >= OF_A_MEMBERSHIP:
        return f"GRANT pg_monitor TO {role} WITH INHERIT TRUE"
    return f"GRANT pg_monitor TO {role}; ALTER ROLE {role} INHERIT"
