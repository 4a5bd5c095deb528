"""Memory and processor time of a process."""

import os
import resource

from bench.footprint import cpu_s, memory


def test_cpu_counts_every_thread_and_no_tick() -> None:
    """The clock of this process is what the system says that it used, and finer than a tick."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = cpu_s(os.getpid())
    after = resource.getrusage(resource.RUSAGE_SELF)
    # getrusage is itself rounded to microseconds and may lag a tick behind.
    assert before.ru_utime + before.ru_stime - 0.02 <= found <= after.ru_utime + after.ru_stime + 0.02


def test_private_memory_is_part_of_the_resident() -> None:
    """Memory that this process wrote to is counted."""
    found = memory(os.getpid())
    assert 0 < found.private_mb < found.rss_mb
