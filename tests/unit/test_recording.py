"""Recorded records come back as they were."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.recording import Recorded, line, read

CONTENT = st.none() | st.binary() | st.text().map(str.encode)
RECORDS = st.builds(
    Recorded,
    topic=st.text(),
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    timestamp_ms=st.integers(-1, 2**63 - 1),
    key=CONTENT,
    headers=st.lists(st.tuples(st.text(), CONTENT)),
    value=CONTENT,
)


@given(records=st.lists(RECORDS))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, records: list[Recorded]) -> None:
    """Any bytes, text or not, survive, in their order."""
    path = tmp_path_factory.mktemp("recording") / "samples.jsonl"
    path.write_bytes(b"".join(map(line, records)))
    assert list(read(path)) == records


def test_a_line_can_be_read_by_people() -> None:
    """Text is text; only what is not UTF-8 is base64."""
    record = Recorded(
        "leadline.samples", 3, 7, 1000, b"orders", [("ce_id", b"1"), ("raw", b"\xff")], b'{"kind": "tick"}'
    )
    assert line(record) == (
        b'{"topic":"leadline.samples","partition":3,"offset":7,"timestamp_ms":1000,"key":"orders",'
        b'"headers":[["ce_id","1"],["raw",{"base64":"/w=="}]],"value":"{\\"kind\\": \\"tick\\"}","timestamp_type":0}\n'
    )


@pytest.mark.parametrize("bad", [b"", b"\n", b"{}", b"{", b"\xff", b"[" * 100_000, b'{"topic": 1}'])
def test_what_is_not_a_recording(tmp_path: Path, bad: bytes) -> None:
    """The first bad line is named; what comes before it is read."""
    path = tmp_path / "samples.jsonl"
    good = Recorded("t", 0, 0, 0, None, [], b"")
    path.write_bytes(line(good) + bad + b"\n")
    records = read(path)
    assert next(records) == good
    with pytest.raises(UsageError, match=rf"^{path}, line 2: not a line of `leadline record`: "):
        next(records)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is wrong use."""
    with pytest.raises(UsageError, match="cannot read the recording: No such file or directory"):
        next(read(tmp_path / "no"))
