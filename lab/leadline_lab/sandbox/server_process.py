"""The processes of one PostgreSQL server: start, stop, crash, freeze."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Literal

from leadline.errors import UnreachableError
from leadline_lab.sandbox import guard
from leadline_lab.sandbox.binaries import Programs
from leadline_lab.sandbox.server_files import OnChange, ServerFiles
from leadline_lab.sandbox.wait import eventually

STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""The signals of the shutdown modes, PostgreSQL documentation, section 18.5."""


class ServerProcess(ServerFiles):
    """A server that runs or does not. All its processes end with their owner."""

    def __init__(
        self, name: str, folder: Path, programs: Programs, password: str, on_change: OnChange = lambda _: None
    ) -> None:
        super().__init__(name, folder, programs, password, on_change)
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the server has any process, a frozen one included."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises UnreachableError when the server is not running."""
        if pid := self._postmaster()[0]:
            return pid
        raise UnreachableError(f"PostgreSQL {self.name} is not running: start it first")

    def start(self, timeout_s: float = 30.0) -> None:
        """Start and wait for connections (a standby: for consistency).

        Raises UnreachableError with the end of the server log.
        """
        assert not self.running, f"{self.name} is running"
        self.report("start")
        self.let_go()
        # SIGQUIT is the immediate shutdown, which frees shared memory.
        self._guard = self.launch("postgres", "-D", self.data, farewell=signal.SIGQUIT)
        try:
            eventually(f"PostgreSQL {self.name} is ready", self._ready_or_ended, timeout_s)
        except UnreachableError as error:
            raise UnreachableError(f"{error}; its server log ends with:\n{self.server_log_tail()}") from None
        if not self.running:
            raise UnreachableError(
                f"PostgreSQL {self.name} did not start; its server log ends with:\n{self.server_log_tail()}"
            )

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast", timeout_s: float = 60.0) -> None:
        """Shut down and wait until the server has ended."""
        self.report(f"stop, mode {mode}")
        os.kill(self.pid, STOP[mode])
        self._await_end(timeout_s)

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop, then start."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Kill the postmaster with SIGKILL: the next start goes through crash recovery, as after a power cut."""
        self.report("kill -9")
        os.kill(self.pid, signal.SIGKILL)
        self._await_end(timeout_s=10.0)

    def freeze(self) -> None:
        """Send SIGSTOP to every process, as on a hanging host: connections stay open and are not answered."""
        self.report("SIGSTOP to every process")
        postmaster = self.pid
        os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no more children
        guard.signal_all(guard.descendants(postmaster), signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze``."""
        self.report("SIGCONT to every process")
        guard.signal_all([self.pid, *guard.descendants(self.pid)], signal.SIGCONT)

    def close(self) -> None:
        """End at once, from any state, and give the port back. Harmless a second time."""
        self.let_go()
        if self._guard is not None:
            self._await_end(timeout_s=guard.GRACE_S + 10.0)
        self._port.close()

    def let_go(self) -> None:
        """Begin to end at once, from any state; ``close`` waits for it."""
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()

    def _await_end(self, timeout_s: float) -> None:
        assert self._guard is not None
        try:
            self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise UnreachableError(f"PostgreSQL {self.name} did not stop in {timeout_s:g} s") from None
        self.let_go()

    def _postmaster(self) -> tuple[int | None, str]:
        """Pid and state from postmaster.pid (miscadmin.h, LOCK_FILE_LINE_*), if it is of the server that runs now."""
        if self._guard is None or self._guard.poll() is not None:
            return None, ""
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            if guard.parent(pid) == self._guard.pid:  # else a crash left the file behind
                return pid, lines[7].strip()
        return None, ""

    def _ready_or_ended(self) -> bool:
        return not self.running or self._postmaster()[1] in {"ready", "standby"}
