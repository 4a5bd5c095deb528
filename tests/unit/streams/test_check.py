"""Samples with a malformed WAL position are refused, so that later readers need not check."""

import json
from typing import Any

import msgspec
import pytest

from leadline import wire
from leadline.errors import BadRecord
from leadline.model.lsn import Lsn
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline_streams.engines.postgresql.lsn import is_lsn
from leadline_streams.engines.postgresql.validation import check_positions
from tests.unit.streams.world import World

GROUPS: dict[str, type] = {
    "positions": Positions,
    "upstream": Upstream,
    "downstreams[1]": Downstream,
    "slots[1]": Slot,
    "subscriptions[1]": Subscription,
}
PLACES = [
    (group, field.name)
    for group, type_ in GROUPS.items()
    for field in msgspec.structs.fields(type_)
    if field.type == Lsn | None
]


def read(group: str, field: str, text: str) -> Sample:
    """A sample as it comes from the wire, with this text in one place."""
    plain = json.loads(wire.encode(World().add("pg-1", "primary").sample(0)))
    name, several, _ = group.partition("[")
    fine = {"name": "a"}
    plain[name] = [fine, {**fine, field: text}] if several else {field: text}
    seen: Any = wire.OBSERVATIONS.decode(json.dumps(plain).encode())
    return seen


@pytest.mark.parametrize(("group", "field"), PLACES)
def test_a_position_that_is_none_is_refused_with_its_path(group: str, field: str) -> None:
    check_positions(read(group, field, "A/5000148"))
    with pytest.raises(
        BadRecord, match=rf"not a WAL position: '0/x' - at `\$\.{group}\.{field}`".replace("[1]", r"\[1\]")
    ):
        check_positions(read(group, field, "0/x"))


def test_every_position_of_a_sample_is_checked() -> None:
    assert len(PLACES) == 16


@pytest.mark.parametrize(
    "text", ["", "/", "0/", "/0", "0/0 0/0", "0/0\n", "123456789/0", "0/123456789", "+1/0", "٣/0", "0x1/0"]
)
def test_only_two_halves_in_hexadecimal_are_a_position(text: str) -> None:
    assert not is_lsn(text)
    with pytest.raises(BadRecord):
        check_positions(read("slots[1]", "restart_lsn", text))
