"""The values of evidence as people read them."""

import pytest

from leadline.evidence_words import shown
from leadline.model.alert import Evidence


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("retained_bytes", "162000000", "162.0 MB"),
        ("silent_s", "92.9", "1 min 32 s"),
        ("lag_s", "0", "0 s"),
        ("update_missing", "270", "270"),
        ("retained_bytes", "not seen", "not seen"),
        ("silent_s", "1e9", "1e9"),
        ("silent_s", "9" * 40, "9" * 40),
        ("s", "5", "5 s"),
        ("", "5", "5"),
    ],
)
def test_a_number_has_the_unit_of_its_name(name: str, value: str, written: str) -> None:
    """Any other value is shown as it is."""
    assert shown(Evidence(name=name, value=value)) == written
