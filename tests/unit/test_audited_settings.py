"""The settings that an agent sends for an audit are those that the rules read."""

import ast
from collections.abc import Iterator
from pathlib import Path

from leadline.audited_settings import AUDITED_SETTINGS
from tests.fixtures.audit_looks import FOLDER
from tests.fixtures.postgres_versions import MAJORS
from tests.unit.streams.audit.draft import Draft

ROOT = Path(__file__).parents[2] / "streams/leadline_streams"
FILES = [*(ROOT / "audit").rglob("*.py"), ROOT / "engines/postgresql/mismatches.py"]


def literals() -> Iterator[str]:
    """Every text in the rules."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_settings_that_are_sent_are_those_that_rules_read() -> None:
    """Each of them is named by a rule, and no rule names a recorded setting that is not sent."""
    named = set(literals())
    recorded = {
        name
        for major in MAJORS
        for kind in ("pair", "logical")
        if (FOLDER / f"{kind}-{major}.json").exists()
        for look in Draft(kind, major).found.looks
        for name in look.settings or {}
    }
    assert len(recorded) >= 60
    assert set(AUDITED_SETTINGS) <= named
    assert recorded & named <= set(AUDITED_SETTINGS)
    assert sorted(set(AUDITED_SETTINGS)) == list(AUDITED_SETTINGS)
