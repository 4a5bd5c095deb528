"""Observations whose texts are remembered: the same values, the same errors, and a memory that has an end."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline import interned_decode
from leadline.model.activity import Activity, Session
from leadline.model.finding import Described
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Upstream
from leadline.wire import encode
from tests.unit.strategies import values

AT = datetime(2026, 4, 10, 10, 0, 3, 120_000, tzinfo=UTC)
NODE = Node(name=NodeName("pg-2"), cluster=ClusterName("orders"), boot="b1", role="standby", labels={"tier": "gold"})
CONFLICTS = {"shop": {"lock": 0, "snapshot": 2}, "template1": {"lock": 0}}
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=2), st.just({"a": {}})
)


def sample(seq: int = 1, node: Node = NODE, conflicts: dict[str, dict[str, int]] = CONFLICTS) -> Sample:
    """One look."""
    return Sample(node=node, seq=seq, at=AT, sent_at=AT, up=True, conflicts=conflicts)


def outcome(decode: Any, data: bytes) -> tuple[str, object]:
    """The result of decoding, or the error with its message."""
    try:
        return "value", decode(data)
    except Exception as error:
        return type(error).__name__, str(error)


def remembered() -> int:
    """The number of texts that are remembered."""
    return len(interned_decode._nodes) + interned_decode._known_conflicts.cache_info().currsize


@given(value=values(Described))
def test_values_are_those_of_the_whole(value: Described) -> None:
    """Whatever is remembered, every value comes back as it was, and as the type that it was."""
    for _ in range(2):
        seen = interned_decode.decode(encode(value))
        assert seen == value
        assert type(seen) is type(value)


@given(
    path=st.sampled_from(
        ["node", "node.name", "node.port", "node.labels", "node.started_at", "conflicts", "conflicts.shop", "seq", "at"]
    ),
    junk=JUNK,
)
@example("node.port", "5432")
@example("conflicts.shop", {"lock": "2"})
@example("conflicts.shop", {"lock": 2**63})
@example("conflicts", None)
def test_errors_are_those_of_the_whole(path: str, junk: Any) -> None:
    """A wrong field is refused in the same words, with the path from the top."""
    plain = inner = json.loads(encode(sample()))
    *parents, last = path.split(".")
    for parent in parents:
        inner = inner[parent]
    inner[last] = junk
    data = json.dumps(plain).encode()
    assert outcome(interned_decode.decode, data) == outcome(interned_decode.whole.decode, data)


@given(place=st.integers(0, len(encode(sample())) - 1), put=st.binary(max_size=2), cut=st.integers(0, 3))
def test_damage_is_met_as_by_the_whole(place: int, put: bytes, cut: int) -> None:
    """Bytes that were lost, added or changed give what they would give without a memory."""
    whole = encode(sample())
    data = whole[:place] + put + whole[place + cut :]
    assert outcome(interned_decode.decode, data) == outcome(interned_decode.whole.decode, data)


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"kind":"sample","node":' + b'{"labels":' * 100_000, b"{}", b"null"]
)
def test_what_is_no_observation(data: bytes) -> None:
    """Depth and wrong kinds are refused as without a memory."""
    assert outcome(interned_decode.decode, data) == outcome(interned_decode.whole.decode, data)
    assert outcome(interned_decode.decode, data)[0] != "value"


def test_the_first_error_is_reported() -> None:
    """Of two errors the first in the record is reported, although its part is decoded last."""
    data = encode(sample()).replace(b'"standby"', b"7").replace(b'"up":true', b'"up":true,"error":"\xff"')
    assert outcome(interned_decode.decode, data) == outcome(interned_decode.whole.decode, data)
    assert "$.node.role" in str(outcome(interned_decode.decode, data)[1])


def test_what_repeats_is_one_object() -> None:
    """Two looks at a node share its description and its counts; another node has its own."""
    first, second = (interned_decode.decode(encode(sample(seq))) for seq in (1, 2))
    other = interned_decode.decode(encode(sample(node=msgspec.structs.replace(NODE, boot="b2"), conflicts={})))
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert isinstance(other, Sample)
    assert first.node is second.node
    assert first.conflicts is second.conflicts
    assert other.node.boot == "b2"
    assert other.conflicts == {}


def test_long_texts_are_not_remembered() -> None:
    """Nobody fills the memory with long texts."""
    before = remembered()
    long = "x" * interned_decode.MAX_TEXT_BYTES
    value = sample(node=msgspec.structs.replace(NODE, labels={"long": long}), conflicts={long: {"lock": 1}})
    assert interned_decode.decode(encode(value)) == value
    assert remembered() == before


def test_a_description_is_known_while_it_is_in_use() -> None:
    """However many nodes there are, each has one description; of nodes that are gone nothing is left."""
    before = remembered()
    many = [sample(node=msgspec.structs.replace(NODE, boot=f"run {number}")) for number in range(1000)]
    kept = [interned_decode.decode(encode(value)) for value in many]
    again = [interned_decode.decode(encode(value)) for value in many]
    assert all(
        isinstance(one, Sample) and isinstance(other, Sample) and one.node is other.node
        for one, other in zip(kept, again, strict=True)
    )
    assert remembered() >= before + 1000
    del kept, again
    assert remembered() <= before + 1


def test_the_memory_of_counts_has_an_end() -> None:
    """It is bounded."""
    assert interned_decode._known_conflicts.cache_info().maxsize == interned_decode.TEXTS
    assert interned_decode._known_value.cache_info().maxsize == interned_decode.TEXTS


def test_descriptions_of_other_servers_share_what_they_have_in_common() -> None:
    """Each is an object of its own, and as it was; versions, ports and data centres are the same objects in all."""
    others = [msgspec.structs.replace(NODE, name=NodeName(name), port=6543, version_num=180_001) for name in "ab"]
    first, second = (interned_decode.decode(encode(sample(node=node))) for node in others)
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert [first.node, second.node] == others
    for field in ("cluster", "boot", "engine", "datacenter", "version", "port", "version_num"):
        assert getattr(first.node, field) is getattr(second.node, field)


def test_texts_of_kept_samples_are_one_object() -> None:
    """Names, states and addresses are the same objects in all samples that are kept, which stay as they were."""
    row = Downstream(name="pg-2", state="streaming", address="10.0.0.2", slot="pg_2", replay_lsn="0/3000148")
    value = msgspec.structs.replace(
        sample(),
        downstreams=(row,),
        upstream=Upstream(host="10.0.0.2", slot="pg_2", status="streaming"),
        activity=Activity(oldest=(Session(pid=1, user="shop", query="SELECT 1"),)),
    )
    first, second = (interned_decode.decode(encode(value)) for _ in range(2))
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert first.upstream is not None
    interned_decode.share_texts(first)
    interned_decode.share_texts(second)
    assert first == second == value
    assert first.downstreams[0].state is second.downstreams[0].state is first.upstream.status
    assert first.downstreams[0].address is first.upstream.host
    assert first.activity is not None
    assert second.activity is not None
    assert first.activity.oldest[0].user is second.activity.oldest[0].user
