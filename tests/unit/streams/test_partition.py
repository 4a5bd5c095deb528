"""Records reach their cluster once and in order, and states are saved when they are due."""

import struct
from hashlib import sha256
from typing import Any

import pytest
from zstandard import ZstdCompressor

from bench.memory import judged
from leadline.model.observation import Tick
from leadline_streams.runtime.partition import TOGETHER, Partition
from leadline_streams.runtime.saving import interval_s
from leadline_streams.runtime.snapshot import DICTIONARY, Saved, start
from tests.unit.streams.memory_log import AT, Count, Counts, record, sample

TICK = Tick(at=AT)


def partition(blobs: dict[bytes, bytes] | None = None) -> Partition:
    return Partition(4, 0, Counts(), {} if blobs is None else blobs, flush_s=10.0)


def log(*seen: Any) -> list[Any]:
    return [record(each, offset) for offset, each in enumerate(seen)]


def counted(of: Partition) -> dict[str, int]:
    return {cluster.name: cluster.fold.seen for cluster in of.clusters.values() if isinstance(cluster.fold, Count)}


def test_each_cluster_sees_its_own_samples_and_every_tick_since_its_first() -> None:
    held = partition()
    held.fold(log(TICK, sample("orders"), TICK, sample("billing"), TICK), 0.0)
    assert counted(held) == {"orders": 3, "billing": 2}


def test_what_a_state_has_seen_is_not_applied_again() -> None:
    held = partition()
    held.restore(b"orders", Saved(4, 3, Count("orders", 3).dump()), 0.0)
    folded = held.fold(log(sample("orders"), TICK, sample("orders"), sample("orders"), TICK), 0.0)
    assert counted(held) == {"orders": 5}
    assert (folded.judged, folded.known) == (1, 2)


@pytest.mark.parametrize("key", [None, b"", b"billing", b"orders\0", b"\xff"])
def test_a_key_that_is_not_the_cluster_is_invalid(key: bytes | None) -> None:
    """It would be in another partition than the rest of its cluster."""
    found = record(sample("orders"))
    found.key = key
    (rejected,) = partition().fold([found], 0.0).rejected
    assert rejected.reason == "invalid"
    assert "'orders'" in rejected.detail


def test_a_cluster_of_any_name_is_found_by_its_key() -> None:
    held = partition()
    held.fold(log(sample("größe/\u202e"), sample("größe/\u202e")), 0.0)
    assert counted(held) == {"größe/\u202e": 2}


def test_only_the_last_header_marks_a_sample_as_spooled() -> None:
    spooled: list[bool] = []

    class Ear(Count):
        def enqueue(self, seen: Any, was_spooled: bool = False, packed: bytes = b"") -> None:
            spooled.append(was_spooled)

    held = partition()
    first, second = log(sample("orders"), sample("orders"))
    second.headers = (*second.headers, ("leadline-spooled", b"1"))
    held.fold([first], 0.0)
    held.clusters[b"orders"].fold = Ear("orders")
    held.fold([second], 0.0)
    first.offset = 2
    held.fold([first], 0.0)
    assert spooled == [True, False]


def test_a_record_that_comes_again_in_its_batch_is_not_applied_again() -> None:
    held = partition()
    held.position = 2
    folded = held.fold(log(sample("orders"), b"not JSON", sample("orders")), 0.0)
    assert (folded.read, folded.judged, folded.rejected) == (1, 1, [])


def test_a_transition_makes_a_state_due_at_once_and_a_rollup_does_not() -> None:
    held = partition()
    held.fold(log(sample("orders"), sample("orders")), 0.0)
    assert list(held.due(0.0)) == []
    held.fold([record(sample("orders"), 2)], 0.0)
    assert [cluster.name for cluster in held.due(0.0)] == ["orders"]


def test_states_fall_due_spread_over_the_interval_and_then_each_interval() -> None:
    held = partition()
    held.fold([record(sample(f"cluster-{number}"), number) for number in range(100)], 0.0)
    assert 25 < len(list(held.due(5.0))) < 75
    clusters = list(held.due(10.0))
    assert len(clusters) == 100
    for saved_at in (10.0, 24.0):  # all at once, as after a worker stood still
        for cluster in clusters:
            held.dump(cluster, saved_at)
        assert 25 < sum(cluster.due <= saved_at + 5.0 for cluster in clusters) < 75
        assert all(saved_at < cluster.due <= saved_at + 10.0 for cluster in clusters)


def test_a_cluster_is_saved_at_its_own_time_in_each_interval() -> None:
    held = partition()
    held.fold(log(sample("orders")), 0.0)
    (orders,) = held.due(10.0)
    own_s = orders.due
    held.dump(orders, own_s + 0.25)
    assert orders.due == pytest.approx(own_s + 10.0)
    held.dump(orders, own_s + 37.0)
    assert orders.due == pytest.approx(own_s + 40.0)


def test_states_of_very_many_clusters_fall_due_less_often_so_that_a_worker_saves_a_bounded_number_in_a_second() -> None:
    assert interval_s(10.0, clusters=3) == interval_s(10.0, clusters=10_000) == 10.0
    assert interval_s(10.0, clusters=50_000) == 50.0
    assert interval_s(120.0, clusters=50_000) == 120.0
    held = partition()
    held.fold(log(sample("orders")), 0.0)
    held.flush_s = 50.0
    (orders,) = held.due(10.0)
    held.dump(orders, 10.0)
    held.dump(orders, own_s := orders.due)
    held.fold(log(TICK, TICK), own_s + 1.0)
    assert list(held.due(own_s + 49.9)) == []
    assert list(held.due(own_s + 50.1)) == [orders]


def test_a_state_that_saw_nothing_new_is_not_due() -> None:
    held = partition()
    held.restore(b"orders", Saved(4, 3, Count("orders", 3).dump()), 0.0)
    assert list(held.due(1e9)) == []


def test_a_defect_at_evaluation_is_attributed_to_the_newest_record() -> None:
    class Broken(Count):
        def evaluate(self) -> list[Any]:
            raise ZeroDivisionError

    blobs: dict[bytes, bytes] = {}
    held = partition(blobs)
    held.fold(log(sample("orders")), 0.0)
    held.dump(held.clusters[b"orders"], 0.0)
    held.clusters[b"orders"].fold = Broken("orders", 99)
    folded = held.fold([record(sample(name), 1 + offset) for offset, name in enumerate(["orders", "orders", "b"])], 0.0)
    assert counted(held) == {"orders": 1, "b": 1}
    assert [(rejected.record.offset, rejected.reason) for rejected in folded.rejected] == [(2, "unprocessable")]


@pytest.mark.parametrize("count", [TOGETHER - 1, TOGETHER, 2 * TOGETHER + 1])
def test_outputs_of_good_records_are_kept_when_a_bad_one_follows(count: int) -> None:
    held = partition()
    folded = held.fold(log(*[sample("orders")] * count, sample("orders", error="bad")), 0.0)
    assert (folded.judged, len(folded.rejected), folded.read) == (count, 1, count + 1)
    assert len(folded.outputs) == count // 2 + count // 3


def test_a_defect_in_a_tick_sets_back_its_cluster_alone() -> None:
    class Broken(Count):
        def tick(self, now: Any) -> list[Any]:
            raise ZeroDivisionError

    blobs: dict[bytes, bytes] = {}
    held = partition(blobs)
    held.fold(log(sample("orders"), sample("billing")), 0.0)
    held.dump(held.clusters[b"orders"], 0.0)
    held.clusters[b"orders"].fold = Broken("orders", 99)
    folded = held.fold([record(TICK, 2)], 0.0)
    assert counted(held) == {"orders": 1, "billing": 2}
    assert [rejected.reason for rejected in folded.rejected] == ["unprocessable"]


def test_a_stored_state_comes_back_as_it_was() -> None:
    saved = Saved(11, 2**40, b"state")
    assert Saved.unpack(saved.pack()) == saved


def test_a_state_is_compressed() -> None:
    """Kafka takes no record of more than a few megabytes."""
    saved = Saved(11, 2**40, b"state " * 1_000_000)
    assert len(saved.pack()) < len(saved.state) / 100
    assert Saved.unpack(saved.pack()) == saved


def test_a_state_that_was_saved_without_the_dictionary_is_read() -> None:
    head, state = struct.pack(">BIQ", 5, 11, 2**40), ZstdCompressor().compress(b"state")
    assert Saved.unpack(head + state) == Saved(11, 2**40, b"state")
    with_failure = struct.pack(">BIQI", 6, 11, 2**40, 3) + b"bad"
    assert Saved.unpack(with_failure + state) == Saved(11, 2**40, b"state", b"bad")


def test_the_dictionary_stays_as_it_is() -> None:
    """States in Kafka cannot be read with another one."""
    digest = "86661f946b48e20cd49ef4e81c09a332aa24d07d7b6dae4520b943b9f1341abc"
    assert sha256(DICTIONARY.read_bytes()).hexdigest() == digest


def test_the_dictionary_has_the_common_texts_of_states() -> None:
    """Names of fields and of settings, and values that most servers have: the half of a state that is compressed."""
    state = next(iter(judged(1, 3).values())).dump()
    assert len(Saved(0, 0, state).pack()) < 0.6 * len(ZstdCompressor(level=1).compress(state))


@pytest.mark.parametrize("data", [b"", b"\x01short", b"\x01" + bytes(30), b"\x05" + bytes(30), b"\x07" + bytes(30)])
def test_a_stored_state_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not with format 7|cannot be decompressed"):
        Saved.unpack(data)


def test_after_a_topic_is_created_again_all_of_its_records_are_new() -> None:
    """Otherwise every record would count as seen until the new topic is as long as the old one was."""
    assert Saved(0, 1000, b"").within(end=5) == Saved(0, 0, b"")
    assert Saved(0, 5, b"").within(end=5) == Saved(0, 5, b"")


@pytest.mark.parametrize(
    ("committed", "applied", "earliest", "expected"),
    [
        (None, [], 7, 7),
        (50, [], 7, 50),
        (50, [50, 60], 7, 50),
        (50, [40, 60], 7, 40),
        (50, [3], 7, 7),
        (3, [], 7, 7),
    ],
)
def test_reading_starts_at_the_commit_or_at_an_older_state_but_not_before_the_topic(
    committed: int | None, applied: list[int], earliest: int, expected: int
) -> None:
    assert start(committed, applied, earliest) == expected
