"""The judgement alone: nanoseconds of processor time per observation, as the fleet grows.

Each size runs in a process of its own. A round is one sample of every node, decoded and judged one after the other as
in life; the cost of judging is that of both less that of decoding alone. Growth from 1k to 100k links is what caches
cost: the work per observation is the same. The unit beside it is ``orjson.loads`` of the same bytes in the same run.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import cast

import orjson

from bench.fleet import STANDBYS, fleet
from bench.footprint import cpu_s
from leadline.model.observation import Sample
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy

SIZES = (1_000, 10_000, 100_000)
WARM_ROUNDS = 5
ROUNDS = 7
LOADED = 20_000
JUDGEMENT = judgement(Policy())


def measure(links: int) -> dict[str, float]:
    """One size: medians over the rounds."""
    clusters = links // len(STANDBYS)
    per_round = clusters * (1 + len(STANDBYS))
    states: dict[str, ClusterState] = {}
    samples = fleet(clusters, WARM_ROUNDS + ROUNDS)
    costs, units = [], []
    for number in range(WARM_ROUNDS + ROUNDS):
        raw = [encode(next(samples)) for _ in range(per_round)]
        gc.collect()
        gc.freeze()
        both = spent(lambda: judge(raw, states))  # noqa: B023 - called at once
        decoding = spent(lambda: each(OBSERVATIONS.decode, raw))  # noqa: B023
        loading = spent(lambda: each(orjson.loads, raw[:LOADED]))  # noqa: B023
        if number >= WARM_ROUNDS:
            costs.append((both - decoding) / per_round * 1e9)
            units.append(loading / min(LOADED, per_round) * 1e9)
    found = [link for state in states.values() for link in state.memory.links.values()]
    assert len(found) == links
    assert all(link.verdict == "healthy" and link.streams for link in found), "the fast path does not take these"
    return {"ns_per_observation": median(costs), "ns_per_orjson_loads": median(units)}


def judge(raw: list[bytes], states: dict[str, ClusterState]) -> None:
    """Decode and judge."""
    decode = OBSERVATIONS.decode
    for data in raw:
        sample = cast(Sample, decode(data))
        name = sample.node.cluster
        state = states.get(name)
        if state is None:
            state = states[name] = ClusterState(name, JUDGEMENT)
        state.observe(sample)


def each(decode: Callable[[bytes], object], raw: list[bytes]) -> None:
    """Decode and forget, one by one."""
    for data in raw:
        decode(data)


def spent(work: Callable[[], None]) -> float:
    """Seconds of processor time that something takes: other processes take none of it."""
    start = cpu_s(os.getpid())
    work()
    return cpu_s(os.getpid()) - start


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
    print("links   ns/observation   to 1k   to orjson.loads")
    for links in SIZES:
        at = f"{links // 1000}k"
        cost, unit = numbers[f"ns_per_observation_{at}"], numbers[f"ns_per_orjson_loads_{at}"]
        print(f"{links:>6}  {cost:>14.0f}  {cost / first:>6.2f}  {cost / unit:>16.2f}")
    numbers["growth_1k_to_100k"] = numbers["ns_per_observation_100k"] / first
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
