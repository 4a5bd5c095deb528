"""The stubs in the place of functions and views that a server refuses."""

import re

import pytest

from leadline_agents.engines.postgresql import catalog
from leadline_agents.engines.postgresql.parts import GROUPS, PARTS, lost, substituted, used_by

MAJORS = range(catalog.OLDEST, 19)
NAMES = sorted(PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_in_a_statement(name: str) -> None:
    """A part that nothing reads would be asked for in vain."""
    texts = [
        catalog.statement(query, major * 10000).decode()
        for query in (catalog.FRAME, catalog.FILES, catalog.SETTINGS)
        for major in MAJORS
    ]
    assert any(PARTS[name] in used_by(text) for text in texts)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", NAMES)
def test_a_refused_part_is_nowhere_in_the_look(name: str, major: int) -> None:
    """Neither by itself nor under a longer name; literals and other parts stay."""
    without = GROUPS & {*lost(frozenset({name}))}
    whole = catalog.statement(catalog.FRAME, major * 10000, without)
    text = catalog.statement(catalog.FRAME, major * 10000, without, frozenset({name})).decode()
    assert PARTS[name] not in used_by(text)
    assert "has_function_privilege('pg_ls_waldir()', 'EXECUTE')" in text
    assert {part.name for part in used_by(whole.decode())} - {name} == {part.name for part in used_by(text)}


def test_nothing_refused_changes_nothing() -> None:
    """The statement is as it stands in its files."""
    assert substituted("SELECT pg_last_wal_receive_lsn()", frozenset()) == "SELECT pg_last_wal_receive_lsn()"


@pytest.mark.parametrize("name", [name for name in NAMES if PARTS[name].stub.startswith("(")])
def test_a_view_or_function_in_from_has_an_alias(name: str) -> None:
    """PostgreSQL before 16 demands one for the subquery in its place."""
    for versions in catalog.catalog().values():
        for text in versions.values():
            for found in re.finditer(rf"(?:FROM|JOIN|,) {re.escape(name)}(?!\w)", text):
                assert text[found.end() :].startswith(" AS "), found[0]
