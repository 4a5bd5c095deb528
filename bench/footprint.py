"""The memory and processor time of a process, as Linux counts them."""

import re
import time
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """MiB of one process."""

    rss_mb: float
    private_mb: float
    """Private memory that was written to. Whether a program's pages are shared depends on other processes."""


def memory(pid: int) -> Memory:
    """See proc_pid_smaps(5)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    kib = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    return Memory(kib["Rss"] / 1024, kib["Private_Dirty"] / 1024)


def cpu_s(pid: int) -> float:
    """Processor time of all threads of a process since it started, to the nanosecond.

    /proc/PID/stat has the same in ticks of 10 ms, too coarse for what costs 1 ms a second.
    """
    # The clock that clock_getcpuclockid(3) names: MAKE_PROCESS_CPUCLOCK and CPUCLOCK_SCHED in linux/posix-timers.h.
    return time.clock_gettime((~pid << 3) | 2)
