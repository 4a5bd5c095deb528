"""The pages of a large fleet are parts of lists: nothing grows with the number of clusters."""

from datetime import UTC, datetime

import msgspec
import pytest

from leadline_console.page import Asked, Page
from leadline_console.pages import PAGES
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import fleet
from tests.unit.console.story import audit, blocked, delivery, silence, verification

NOW = datetime(2026, 4, 10, 3, 12, tzinfo=UTC)
MOST_BYTES = 150_000
"""Of the JSON of a page; the HTML is smaller."""


@pytest.fixture(scope="module")
def large() -> ReadModel:
    """300 clusters, each with an incident, an audit, a comparison and a silence."""
    made = ReadModel()
    for number in range(300):
        name = f"cluster-{number:04}"
        about = blocked(NOW, cluster=name)
        checked = verification(NOW, "pg-2", "equal", cluster=name, link=f"{name}/pg-1->pg-2")
        held = silence(NOW, silence_id=f"sil_{number}", matchers={"cluster": name})
        found = msgspec.structs.replace(audit(NOW), cluster=name)
        for value in (*fleet(name), about, delivery(about), found, checked, held):
            made.take(value)
    return made


@pytest.mark.parametrize("page", [page for page in PAGES if page.menu], ids=lambda page: page.title)
def test_a_page_is_bounded(large: ReadModel, page: Page) -> None:
    """And its later parts can be asked for."""
    first = page.view(large, Asked({}, NOW))
    assert len(msgspec.json.encode(first)) < MOST_BYTES
    if getattr(first, "pages", 1) > 1:
        second = page.view(large, Asked({"page": "2"}, NOW))
        assert getattr(second, "page", 0) == 2
        assert second != first
