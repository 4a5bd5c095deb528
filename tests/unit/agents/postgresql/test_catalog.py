"""Every version gets its SQL, and each file says what it is for."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from leadline_agents.engines.postgresql import catalog
from leadline_agents.engines.postgresql.audit_look import GROUPS as AUDIT_GROUPS

FOLDER = Path(str(files("leadline_agents.engines.postgresql"))) / "queries"
GROUPS = {
    *("node", "positions", "downstreams", "upstream", "slots", "subscriptions", "copies", "conflicts"),
    *("activity", "archiver"),
}
OTHERS = {
    *(catalog.FILES, catalog.REFUSED, catalog.SERVICE, catalog.SESSION, catalog.SETTINGS, catalog.TABLES),
    *(
        catalog.VITALS,
        catalog.LISTED,
        catalog.DATABASES,
        catalog.NAMES,
        catalog.LOG_RIGHTS,
        catalog.LOG_PATH,
        catalog.LOG_TAIL,
        catalog.LOG_TAIL_BY,
    ),
    *(query for query, _ in AUDIT_GROUPS.values()),
    catalog.AUDIT_SETTINGS,
}
MAJORS = range(catalog.OLDEST, 20)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", [catalog.FRAME, *sorted(OTHERS)])
def test_every_version_has_every_statement(name: str, major: int) -> None:
    """One statement, whole: no place left open, no comment, no second statement; later versions get the newest."""
    text = catalog.statement(name, major * 10000 + 3).decode()
    assert text.startswith(("SELECT", "WITH"))
    for pattern in ("%.ready", "alloydb.%", "%worker"):
        text = text.replace(pattern, "")
    assert re.search(r"\{[a-z]+\}|--|;|%", text) is None


@pytest.mark.parametrize(
    ("name", "major", "since"),
    [("slots", 13, 13), ("slots", 15, 14), ("slots", 16, 16), ("slots", 18, 17), ("slots", 25, 17)],
)
def test_the_nearest_at_or_below_is_chosen(name: str, major: int, since: int) -> None:
    """A version without a file of its own uses the one before it."""
    assert catalog.query(name, major) == catalog.catalog()[name][since]


def test_the_frame_has_a_place_for_each_group() -> None:
    """Every group of the model is asked for, and every file of the folder is used."""
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query(catalog.FRAME, 18))) == GROUPS
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query(catalog.TABLES, 18))) == {"published", "writing"}
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query(catalog.REFUSED, 18))) == {"members", "generated"}
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query(catalog.LISTED, 18))) == {"subscribed"}
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query("copies", 18))) == {"copied"}
    assert set(re.findall(r"\{([a-z]+)\}", catalog.query(catalog.VITALS, 18))) == {"decoded", catalog.SUBSCRIBER}
    parts = {"published", "logfile", "members", "generated", "copied", "decoded", "failures", "sorted"}
    parts |= {"subscribed", "writing", catalog.SUBSCRIBER}
    assert set(catalog.catalog()) == GROUPS | OTHERS | parts | {catalog.FRAME}


@pytest.mark.parametrize("major", MAJORS)
def test_a_group_that_is_left_out_is_not_asked_for(major: int) -> None:
    """Its SQL is not in the statement; that of the others is."""
    text = catalog.statement(catalog.FRAME, major * 10000, frozenset({"subscriptions", "upstream"})).decode()
    found = {name for name in GROUPS if catalog.whole(name, major) in text}
    assert found == GROUPS - {"subscriptions", "upstream"}


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_each_file_says_what_it_reads_and_since_when(file: Path) -> None:
    """A newcomer finds in the file itself why it exists; its name and its comment agree."""
    first, second, *_ = file.read_text().splitlines()
    assert first.startswith("-- ")
    major = file.stem.rpartition("-")[2]
    assert second.startswith(f"-- Since {major}: ")


def test_the_reference_page_lists_them() -> None:
    """docs/reference/queries.md names every query and group, and no other."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "queries.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(catalog.catalog())


def test_old_versions_are_not_asked_for_what_they_lack() -> None:
    """Columns and functions appear in the version that brought them, not before."""
    for word, since in {
        "pg_get_wal_replay_pause_state": 14,
        "pg_stat_replication_slots": 14,
        "pg_stat_progress_copy": 14,
        "pg_stat_subscription_stats": 15,
        "leader_pid": 16,
        "confl_active_logicalslot": 16,
        "inactive_since": 17,
        "subfailover": 17,
        "confl_insert_exists": 18,
    }.items():
        has = [major for major in MAJORS if word in catalog.statement(catalog.FRAME, major * 10000).decode()]
        assert has == list(range(since, MAJORS.stop)), word


def test_nulls_never_become_zero() -> None:
    """greatest() ignores NULL: without a guard an unknown age would become the healthy age 0."""
    for name, versions in catalog.catalog().items():
        for text in versions.values():
            for found in re.finditer(r"greatest\(age\(([\w.]+)\), 0\)", text):
                before = text[: found.start()]
                guarded = before.rstrip().endswith(f"CASE WHEN {found[1]} IS NOT NULL THEN")
                assert guarded or f"{found[1]} IS NOT NULL\n" in text, f"{name}: {found[0]}"
