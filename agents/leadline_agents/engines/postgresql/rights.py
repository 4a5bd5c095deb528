"""The rights that a server gives, and the service that runs it, as far as the database itself shows it. Pure."""

import msgspec

from leadline.model import Value
from leadline_agents.engines.postgresql.parts import PARTS, Part

AURORA = "aurora_stat_utils"
"""In the setting ``rds.extensions`` of Aurora, and not of other servers of Amazon RDS."""
_BY_ROLE = {
    "rds_superuser": "rds",
    "alloydbsuperuser": "alloydb",
    "cloudsqlsuperuser": "cloudsql",
    "azure_pg_admin": "azure",
    "neon_superuser": "neon",
    "supabase_admin": "supabase",
}


class Rights(Value, frozen=True, kw_only=True):
    """``queries/session-*.sql``."""

    mark: str | None = None
    role: str
    version_num: int
    version: str
    in_recovery: bool
    may_read_stats: bool
    may_read_settings: bool
    may_monitor: bool
    inherits: bool = True
    """Whether a plain GRANT of ``pg_monitor`` gives the role its rights."""
    denied: tuple[str, ...] = ()
    """Functions and views that the role may not use."""
    missing: tuple[str, ...] = ()
    rds_extensions: str | None = None
    cnpg: bool = False
    neon: bool = False
    roles: tuple[str, ...] = ()
    """Roles that only a managed service creates."""
    alloydb: bool = False
    patroni: bool = False

    @property
    def flavour(self) -> str:
        """The managed service or the orchestrator that runs the server; empty where the database shows none."""
        if self.rds_extensions is not None:
            return "aurora" if AURORA in self.rds_extensions else "rds"
        if self.alloydb:
            return "alloydb"
        if self.neon:
            return "neon"
        if self.cnpg:
            return "cloudnativepg"
        if self.patroni:
            return "patroni"
        return next((flavour for role, flavour in _BY_ROLE.items() if role in self.roles), "")

    @property
    def not_permitted(self) -> frozenset[str]:
        """Names of the parts that the role may not use."""
        return frozenset(part.name for part in PARTS.values() if _needs(part).intersection(self.denied))

    @property
    def not_supported(self) -> frozenset[str]:
        """Names of the parts that the server does not have."""
        return frozenset(part.name for part in PARTS.values() if _needs(part).intersection(self.missing))


def _needs(part: Part) -> set[str]:
    return {*part.functions, *([part.relation] if part.relation else [])}


class Service(Value, frozen=True, kw_only=True):
    """``queries/service-*.sql``."""

    alloydb: bool
    patroni: bool


_RIGHTS = msgspec.json.Decoder(Rights)
_SERVICE = msgspec.json.Decoder(Service)


def read_rights(answer: bytes) -> Rights:
    """Decode the answer about rights. Raises msgspec.DecodeError when it has another shape."""
    return _RIGHTS.decode(answer if answer.isascii() else answer.decode("utf-8", "replace").encode())


def read_service(answer: bytes) -> Service:
    """Decode the answer about the service. Raises msgspec.DecodeError when it has another shape."""
    return _SERVICE.decode(answer)
