"""Programs run as the right user, and long-lived ones tied to their owner."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO

from leadline.errors import UnreachableError
from leadline_lab.sandbox import guard

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""All that a program of the sandbox gets: nobody's PGHOST or PGPASSWORD leaks into it."""


def account() -> tuple[int, int] | None:
    """Uid and gid to run PostgreSQL as, which refuses to run as root; None: as the user that we are.

    ``nobody`` and not ``postgres``, which on a database host owns the files of real servers.
    """
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def give(path: Path) -> None:
    """Hand a file or folder to ``account``, and to it alone."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if owner := account():
        os.chown(path, *owner)


def reachable(path: Path) -> bool:
    """Can ``account`` get to ``path`` through every folder above it?"""
    return account() is None or all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def run(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    owner: tuple[int, int] | None,
    accept: Collection[int] = (0,),
) -> str:
    """Run a program to its end; its standard output. Raises UnreachableError with its last words when it fails.

    ``owner`` is whom it runs as, None as the user that we are; ``accept``, the exit statuses that are no failure.
    """
    uid, gid = owner or (None, None)
    done = subprocess.run(  # noqa: S603
        command,
        check=False,
        cwd=cwd,
        env={**ENVIRONMENT, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
    )
    if done.returncode not in accept:
        message = done.stderr.strip() or done.stdout.strip()
        raise UnreachableError(f"{Path(command[0]).name} failed with status {done.returncode}: {message}")
    return done.stdout


def spawn(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    output: IO[bytes],
    owner: tuple[int, int] | None,
    farewell: signal.Signals,
) -> "subprocess.Popen[bytes]":
    """Start a program under a guard, which is what is returned: closing its ``stdin`` ends the whole process tree.

    ``owner`` is whom it runs as, None as the user that we are; ``farewell`` is the signal that asks it to end.
    """
    ids = owner or ("-", "-")
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", guard.__file__, *map(str, ids), farewell.name, *command],
        cwd=cwd,
        env={**ENVIRONMENT, **env},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
