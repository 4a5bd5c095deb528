"""The facts about versions that ship with Leadline, and the file with which an operator amends them."""

import json
import re
from pathlib import Path

import pytest

from leadline.advisories.entry import pair
from leadline.advisories.loading import FILE, amended, shipped
from leadline.advisories.osv import osv
from leadline.errors import UsageError

TEXT = (Path(__file__).parents[2] / "leadline" / "advisories" / FILE).read_text()
FACTS = shipped()
ENTRY = """
schema: 1
add:
  - {id: OURS-001, released: "2026-12-01", fixed: ["18.7"], effect_is: stopped, area: slots, condition: slots,
     when: slots, effect: our own patch, remedy: ask us}
withdraw: [PG-ADV-007]
supported: {"18": {released: "2025-09-25", until: "2030-11-14", newest: "18.7"}}
"""


def test_versions_are_strings() -> None:
    """YAML reads 17.10 as 17.1: each version has quotes."""
    for line in TEXT.splitlines():
        if not line.lstrip().startswith("#"):
            bare = re.sub(r'"[^"]*"', "", line)
            assert not re.search(r"\d+\.\d+", bare), line


def test_each_fixed_version_is_known() -> None:
    """None is newer than the newest minor of its major, and none of a major is there twice."""
    assert len(FACTS.advisories) >= 85
    assert len({each.id for each in FACTS.advisories}) == len(FACTS.advisories)
    for each in FACTS.advisories:
        for version in each.fixed:
            assert pair(version) <= pair(FACTS.supported[version.split(".")[0]].newest), each.id
        for version in each.introduced:
            assert each.fixed_for(pair(version)[0] * 10000 + pair(version)[1]) is not None, each.id
        assert each.released <= FACTS.facts_as_of


def test_counts_by_version() -> None:
    """The same as when the facts were collected."""
    counts = {
        version: sum(1 for each in FACTS.advisories if each.id < "PG-ADV-100" and each.fixed_for(version))
        for version in (180000, 180003, 170005, 160009, 150010, 140019, 130023)
    }
    # Two regressions of February 2026 are not in minors before it, and one of May 2025 only in those of that day.
    assert counts == {180000: 19, 180003: 7, 170005: 31, 160009: 24, 150010: 26, 140019: 14, 130023: 0}


def test_an_operator_adds_and_withdraws(tmp_path: Path) -> None:
    """And says which minor is the newest."""
    (tmp_path / "ours.yaml").write_text(ENTRY)
    ours = amended(FACTS, tmp_path / "ours.yaml")
    ids = {each.id for each in ours.advisories}
    assert "OURS-001" in ids
    assert "PG-ADV-007" not in ids
    assert len(ids) == len(FACTS.advisories)
    assert ours.supported["18"].newest == "18.7"
    assert ours.supported["17"] == FACTS.supported["17"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ENTRY.replace('["18.7"]', "[18.10]"), "add"),
        (ENTRY.replace('["18.7"]', '["18.7", "18.8"]'), "two fixed versions of one major"),
        (ENTRY.replace("PG-ADV-007", "PG-ADV-999"), "there is no advisory PG-ADV-999"),
        (ENTRY.replace("condition: slots,", ""), "condition"),
        (ENTRY.replace("schema: 1", "schema: 2"), "schema"),
        ("a: [", "ours.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(text: str, place: str, tmp_path: Path) -> None:
    """Never with a traceback, and never in part."""
    (tmp_path / "ours.yaml").write_text(text)
    with pytest.raises(UsageError, match=re.escape(place)):
        amended(FACTS, tmp_path / "ours.yaml")


def test_osv_records() -> None:
    """The fields that the format requires; a range for each major, from where it was brought in."""
    records = osv(FACTS)
    assert len(records) == len(FACTS.advisories)
    assert json.loads(json.dumps(records)) == records
    by_id = {record["id"]: record for record in records}
    (affected,) = by_id["LEADLINE-PG-ADV-027"]["affected"]
    assert affected["ranges"][0] == {"type": "ECOSYSTEM", "events": [{"introduced": "13.21"}, {"fixed": "13.22"}]}
    assert all({"schema_version", "id", "modified", "affected"} <= set(record) for record in records)
