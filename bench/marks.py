"""Tables that a run writes into a page, between two marks, and the machine that it ran on."""

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from leadline.clock import SystemClock


def surroundings() -> dict[str, str]:
    """The date, and the machine and versions that were measured."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "measured_on": f"{SystemClock().now():%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores of {processor[1] if processor else platform.machine()}",
        "python": f"Python {platform.python_version()}",
    }


def between(page: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """The page with these lines between its marks. Raises ValueError when it has none."""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page lacks {begin} or, after it, {end}")
    table = "\n".join(lines)
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"
