"""The data of every fault."""

import re
from typing import Any

import pytest

from leadline_lab.faults import topologies
from leadline_lab.faults.fault import Fault
from leadline_lab.faults.registry import FAULTS
from leadline_streams.causes import CAUSES
from leadline_streams.rules import RULES

EVERY = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())


@EVERY
def test_a_fault_expects_rules_and_causes_of_the_catalogue(fault: Fault[Any]) -> None:
    """A control expects nothing."""
    if fault.expected is None:
        return
    assert {fault.expected.rule, *fault.expected.rules} <= RULES.keys()
    assert {fault.expected.cause, *(other.code for other in fault.expected.others)} <= CAUSES.keys()


@EVERY
def test_a_fault_is_described_in_one_line(fault: Fault[Any]) -> None:
    """A sentence that fits a terminal's line and says what is broken, not how it is found."""
    assert re.fullmatch(r"\S.{10,115}\.", fault.description)


@EVERY
def test_a_fault_is_built_on_a_known_topology(fault: Fault[Any]) -> None:
    """Its maker is one of ``topologies``, and its fault that must come before exists."""
    assert vars(topologies)[fault.make.__name__] is fault.make
    assert fault.after == "" or fault.after in FAULTS
    assert set(fault.limits) | set(fault.datacenters) <= {"pg-1", "pg-2", "pg-3"}
    assert {rule for rules in fault.limits.values() for rule in rules} <= RULES.keys()


def test_the_registry_finds_every_module() -> None:
    """Faults of both packages, variants included."""
    assert {"replay_paused", "query_blocks_replay_lock", "duplicate_key_5s", "idle_pair"} <= FAULTS.keys()
    assert all(name == fault.name for name, fault in FAULTS.items())
