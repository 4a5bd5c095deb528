"""The dead letter of a record that cannot be used, and the number of them at which a worker stops."""

from collections.abc import Sequence
from typing import Any

import pytest

from leadline.deadletters import MAX_KEPT_BYTES, Rejected
from leadline.errors import ProblemFound
from leadline.wire import UNSIGNED
from leadline_streams.runtime.deadletter_limit import Limit
from tests.unit.streams.memory_log import AT, record, sample


def read(limit: Limit, pattern: str, first: int = 0, partition: int = 0) -> None:
    """Let a limit see records: ``x`` is bad, ``.`` is good."""
    records = [record(b"x", first + index, partition) for index in range(len(pattern))]
    limit.note(first, len(records), bad(records, pattern), {b"good"} if "." in pattern else ())


def bad(records: Sequence[Any], pattern: str) -> list[Rejected]:
    return [Rejected(found, "invalid", "why") for found, kind in zip(records, pattern, strict=True) if kind == "x"]


def test_a_letter_has_no_secret_in_its_reason() -> None:
    """The detail may quote a field of the record; the record itself was in Kafka before."""
    letter = Rejected(record(b"x"), "invalid", "got 'postgresql://u:hunter2@h' - at `$.error`").letter("x", AT)
    assert dict(letter.headers)["leadline-deadletter-detail"] == b"got 'postgresql://u:***@h' - at `$.error`"


def test_a_letter_keeps_key_value_and_headers_and_has_reason_and_origin() -> None:
    written = record(sample("orders"), offset=41, partition=3)
    letter = Rejected(written, "invalid", "missing `$.seq`").letter("leadline.deadletters", AT)
    assert (letter.topic, letter.key, letter.value) == ("leadline.deadletters", b"orders", written.value)
    assert letter.headers[: len(written.headers)] == list(written.headers)
    assert letter.headers[len(written.headers) :] == [
        ("leadline-deadletter-reason", b"invalid"),
        ("leadline-deadletter-detail", b"missing `$.seq`"),
        ("leadline-deadletter-topic", b"samples"),
        ("leadline-deadletter-partition", b"3"),
        ("leadline-deadletter-offset", b"41"),
        ("leadline-deadletter-at", b"2026-04-10T10:00:00.000Z"),
    ]


def test_a_value_that_kafka_would_not_take_with_more_headers_is_cut_and_says_so() -> None:
    letter = Rejected(record(b"x" * (MAX_KEPT_BYTES + 1)), "too_large", "").letter("deadletters", AT)
    assert len(letter.value or b"") == MAX_KEPT_BYTES
    assert dict(letter.headers)["leadline-deadletter-cut-from"] == str(MAX_KEPT_BYTES + 1).encode()


def test_a_tombstone_is_a_letter_too() -> None:
    empty = record(b"")
    empty.value = None
    letter = Rejected(empty, "empty", "").letter("deadletters", AT)
    assert letter.value is None
    assert letter.key == b""  # the client writes no record without either


def test_as_many_in_a_row_as_allowed_pass_and_one_more_stops() -> None:
    read(Limit(3, 1.0), "xxx.xxx.")
    with pytest.raises(ProblemFound, match=r"more than 3 records in a row, .*\[0\] offset 3 \(invalid: 'why'\)"):
        read(Limit(3, 1.0), "xxxx")


def test_a_row_goes_on_in_the_next_chunk_of_its_partition_only() -> None:
    limit = Limit(3, 1.0)
    read(limit, "xxx", first=0, partition=0)
    read(limit, "xxx", first=3, partition=1)
    with pytest.raises(ProblemFound, match="offset 3 "):
        read(limit, "x", first=3, partition=0)


def test_what_is_read_again_after_a_rebalance_does_not_lengthen_a_row() -> None:
    limit = Limit(3, 1.0)
    for _ in range(5):
        read(limit, "xxx", first=0)


def test_a_share_of_the_last_thousand_passes_and_one_more_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """It stops nothing: the other records can be used."""
    read(Limit(1000, 0.05), ("x" + "." * 19) * 100)
    assert not caplog.text
    read(Limit(1000, 0.05), ("x" + "." * 18) * 100)
    assert caplog.text.count("more than 5.0% of the last 1000 records, without a key, cannot be used") == 1


def test_bad_records_are_forgotten_after_a_thousand() -> None:
    limit = Limit(1000, 0.05)
    for first in range(0, 10_000, 1000):
        read(limit, "x" * 50 + "." * 950, first)


def test_hostile_detail_is_harmless_in_the_message() -> None:
    written = record(b"x")
    with pytest.raises(ProblemFound) as stopped:
        Limit(0, 1.0).note(0, 1, [Rejected(written, "invalid", "\x1b[2J\n" + "é" * 5000)], ())
    assert str(stopped.value).isascii()
    assert str(stopped.value).isprintable()
    assert len(str(stopped.value)) < 2500


def test_whoever_has_no_key_stops_nobody_and_is_counted_apart(caplog: pytest.LogCaptureFixture) -> None:
    """Forged records in a row and nothing else: the producer of the key is as far from its limit as before."""
    limit = Limit(3, 1.0)
    forged = [Rejected(record(b"x", offset, key=b"orders"), UNSIGNED, "why") for offset in range(5000)]
    limit.note(0, len(forged), forged, ())
    assert "more than 3 records in a row, of key b'orders', cannot be used" in caplog.text
    assert "(unsigned: 'why')" in caplog.text
    own = [Rejected(record(b"x", 5000 + offset, key=b"orders"), "invalid", "why") for offset in range(4)]
    limit.note(5000, 3, own[:3], ())
    with pytest.raises(ProblemFound):
        limit.note(5003, 1, own[3:], ())
