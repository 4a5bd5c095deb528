"""The judgement alone: nanoseconds per observation and bytes per link, as the fleet grows.

Each size runs in a process of its own. A round is one sample of every node, decoded from its bytes first, as in life;
only the judging is timed. Growth from 1k to 100k links is what caches cost: the work per observation is the same.
The unit beside it is one ``orjson.loads`` of the same bytes in the same run.
"""

import argparse
import gc
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import orjson

from bench.fleet import STANDBYS, fleet
from leadline.clock import SystemClock
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy

SIZES = (1_000, 10_000, 100_000)
WARM_ROUNDS = 5
ROUNDS = 7
PAGE_BYTES = 4096


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def measure(links: int) -> dict[str, float]:
    """One size: median of the rounds' cost per observation, and memory per link."""
    clusters = links // len(STANDBYS)
    rounds = WARM_ROUNDS + ROUNDS
    per_round = clusters * (1 + len(STANDBYS))
    policy, clock = Policy(), SystemClock()
    states: dict[str, ClusterState] = {}
    samples = fleet(clusters, rounds)
    before = resident_bytes()
    costs, units = [], []
    for number in range(rounds):
        raw = [encode(next(samples)) for _ in range(per_round)]
        seen = [OBSERVATIONS.decode(data) for data in raw]
        gc.collect()
        gc.freeze()
        start = clock.monotonic()
        for sample in seen:
            name = sample.node.cluster
            state = states.get(name)
            if state is None:
                state = states[name] = ClusterState(name, policy)
            state.observe(sample)
        spent = clock.monotonic() - start
        start = clock.monotonic()
        for data in raw[:20_000]:
            orjson.loads(data)
        unit = (clock.monotonic() - start) / min(20_000, len(raw))
        if number >= WARM_ROUNDS:
            costs.append(spent / per_round * 1e9)
            units.append(unit * 1e9)
        del raw, seen
    found = [link for state in states.values() for link in state.memory.links.values()]
    assert len(found) == links
    assert all(link.verdict == "healthy" for link in found)
    return {
        "ns_per_observation": median(costs),
        "ns_per_orjson_loads": median(units),
        "bytes_per_link": (resident_bytes() - before) / links,
    }


def main() -> None:
    """Measure every size, print a table, write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--size", type=int, help="measure only this many links, in this process")
    given = parser.parse_args()
    if given.size:
        print(json.dumps(measure(given.size)))
        return
    numbers: dict[str, float] = {}
    for links in SIZES:
        print(f"{links} links ...", file=sys.stderr)
        command = [sys.executable, "-m", "bench.core", "--size", str(links)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        numbers |= {f"{name}_{links // 1000}k": value for name, value in found.items()}
    first = numbers["ns_per_observation_1k"]
    print("links   ns/observation   to 1k   to orjson.loads   bytes/link")
    for links in SIZES:
        at = f"{links // 1000}k"
        cost, unit = numbers[f"ns_per_observation_{at}"], numbers[f"ns_per_orjson_loads_{at}"]
        held = numbers[f"bytes_per_link_{at}"]
        print(f"{links:>6}  {cost:>14.0f}  {cost / first:>6.2f}  {cost / unit:>16.2f}  {held:>11.0f}")
    numbers["growth_1k_to_100k"] = numbers["ns_per_observation_100k"] / first
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
