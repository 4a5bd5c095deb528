"""`leadline explain` on a recording."""

import json
from pathlib import Path

import pytest

from leadline_cli.explain import cluster_of
from tests.fixtures.commands import Run
from tests.unit.streams.explain.recorded import Behind, Film, streams


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A standby that streams, and stops to replay after 30 s."""
    return Film().run(30, streams).run(60, Behind()).write(tmp_path / "samples.jsonl")


def test_the_page_begins_with_the_answer_and_fits_80_columns(run: Run, recording: Path) -> None:
    """The reason of a page is found in its first lines."""
    printed = run("explain", "orders/pg-1->pg-2", "--recording", recording).out
    assert printed.startswith("orders: pg-1 -> pg-2 alerts: replication_stalled")
    assert max(map(len, printed.splitlines())) <= 80
    assert "limits: warning" in printed


def test_json_is_one_object(run: Run, recording: Path) -> None:
    """With the same answer."""
    found = json.loads(run("explain", "pg-1->pg-2", "-r", recording, "--format", "json").out)
    assert found["answer"].startswith("orders: pg-1 -> pg-2 alerts")
    assert found["rules"][0]["state"] == "firing"


def test_limits_come_from_the_settings(run: Run, recording: Path, tmp_path: Path) -> None:
    """And the page names the setting."""
    file = tmp_path / "stream.yaml"
    file.write_text("rules:\n  replication_lag:\n    warning: 7\n")
    printed = run("explain", "pg-1->pg-2", "-r", recording, "-c", file).out
    assert "warning 7 (rules.replication_lag.warning)" in " ".join(printed.split())


def test_an_earlier_time_is_explained_alone(run: Run, recording: Path) -> None:
    """At 25 s nothing was wrong yet."""
    printed = run("explain", "pg-1->pg-2", "-r", recording, "--at", "2026-04-10T10:00:25").out
    assert printed.startswith("orders: pg-1 -> pg-2 does not alert")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing"], "no link, node or incident nothing is seen"),
        (["pg-2", "--back", "soon"], "--back soon: give a duration such as 30m"),
        (["pg-2", "--at", "1999-01-01"], "no observation of its cluster was read"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_line(
    run: Run, recording: Path, args: list[str], message: str
) -> None:
    """With what to do."""
    code, _, printed = run("explain", *args, "-r", recording)
    assert code == 2
    assert message in printed
    assert len(printed.splitlines()) == 1


def test_without_kafka_or_a_recording_a_bare_name_is_refused(run: Run) -> None:
    """The partition of the samples follows from the cluster."""
    assert "give --cluster NAME" in run("explain", "pg-2").err


@pytest.mark.parametrize(
    ("subject", "cluster"),
    [
        ("orders/pg-1->pg-2", "orders"),
        ("two%2Fparts/pg-1", "two/parts"),
        ("inc_orders_eu_20260410T100129Z_0bf0", "orders_eu"),
        ("pg-1", None),
    ],
)
def test_an_identity_names_its_cluster(subject: str, cluster: str | None) -> None:
    """In the form of topics."""
    assert cluster_of(subject) == cluster
