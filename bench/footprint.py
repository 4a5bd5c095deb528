"""What a process costs, as Linux counts it."""

import re
import time
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """MiB of one process."""

    rss_mb: float
    private_mb: float
    """What it wrote to, and has to itself. Whether pages of a program are shared depends on who else runs it."""


def memory(pid: int) -> Memory:
    """See proc_pid_smaps(5)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    kib = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    return Memory(kib["Rss"] / 1024, kib["Private_Dirty"] / 1024)


def cpu_s(pid: int) -> float:
    """Processor time of all threads of a process since it started, to the nanosecond.

    /proc/PID/stat tells the same in ticks of 10 ms, too coarse for what costs 1 ms a second.
    """
    # The clock that clock_getcpuclockid(3) names: MAKE_PROCESS_CPUCLOCK and CPUCLOCK_SCHED in linux/posix-timers.h.
    return time.clock_gettime((~pid << 3) | 2)
