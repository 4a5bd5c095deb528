"""Memory per link: of a worker whose fleet has been judged for a while, and of one that has just been restarted.

Counted are the states, the settings and last samples of their nodes among them, and the saved bytes that the worker
keeps of each state to return to. A process of its own counts each: Python's allocations while a fleet is judged, and
the growth of its resident memory while the same states are loaded.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import cast

import msgspec

from bench.fleet import STANDBYS, fleet, settings
from bench.footprint import memory
from leadline.model.observation import NodeSettings, Sample
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.snapshot import Saved

CLUSTERS = 100
ROUNDS = 300
COPIES = 50
"""A restarted worker gets the same states so many times: its resident memory is counted in pages."""
JUDGEMENT = judgement(Policy())


def judged(clusters: int, rounds: int) -> dict[bytes, ClusterState]:
    """The states of so many clusters after so many samples of each node."""
    states: dict[bytes, ClusterState] = {}
    for one in (*settings(clusters), *fleet(clusters, rounds)):
        seen = cast(Sample | NodeSettings, OBSERVATIONS.decode(encode(one)))
        key = seen.node.cluster.encode()
        if key not in states:
            states[key] = ClusterState(seen.node.cluster, JUDGEMENT)
        states[key].observe(seen)
    return states


def saved(states: dict[bytes, ClusterState]) -> dict[bytes, bytes]:
    """The bytes of each that are saved in Kafka, and kept by the worker."""
    return {key: Saved(0, 0, state.dump()).pack() for key, state in states.items()}


def running(into: Path) -> dict[str, float]:
    """Bytes a link of a worker that has judged ``ROUNDS`` samples of each node; what it saves goes to ``into``."""
    links = CLUSTERS * len(STANDBYS)
    gc.collect()
    tracemalloc.start()
    states = judged(CLUSTERS, ROUNDS)
    gc.collect()
    of_states, _ = tracemalloc.get_traced_memory()
    kept = saved(states)
    tracemalloc.stop()
    into.write_bytes(msgspec.msgpack.encode(kept))
    blobs = sum(map(len, kept.values()))
    return {"bytes_per_link": (of_states + blobs) / links, "state_bytes_per_link": blobs / links}


def restarted(source: Path) -> dict[str, float]:
    """Bytes of resident memory a link of a worker that has loaded ``COPIES`` of the states in ``source``."""
    kept = msgspec.msgpack.decode(source.read_bytes(), type=dict[bytes, bytes])
    links = CLUSTERS * len(STANDBYS) * COPIES
    gc.collect()
    before_mb = memory(os.getpid()).rss_mb
    blobs, states = [], []
    for _ in range(COPIES):
        for blob in kept.values():
            blobs.append(bytes(bytearray(blob)))
            states.append(ClusterState.load(Saved.unpack(blobs[-1]).state, JUDGEMENT))
    gc.collect()
    after_mb = memory(os.getpid()).rss_mb
    assert sum(len(state.memory.links) for state in states) == links
    return {"rss_per_link_restarted": (after_mb - before_mb) * 2**20 / links}


def main() -> None:
    """Count both, each in a process of its own; write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--part", choices=("running", "restarted"), help="count only this, in this process")
    parser.add_argument("--states", type=Path, default=Path("build/bench-states"), help="where the states are kept")
    given = parser.parse_args()
    if given.part:
        part = running if given.part == "running" else restarted
        print(json.dumps(part(given.states)))
        return
    given.states.parent.mkdir(exist_ok=True)
    numbers: dict[str, float] = {}
    for name in ("running", "restarted"):
        print(f"{name} ...", file=sys.stderr)
        command = [sys.executable, "-m", "bench.memory", "--part", name, "--states", str(given.states)]
        numbers |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    given.states.unlink()
    for name, value in numbers.items():
        print(f"{name:<24} {value:>8.0f}")
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
