"""`leadline rules import`, and the finer points of its reasons."""

import json
from pathlib import Path

import pytest

from leadline_cli.rule_import.reading import PrometheusRule, read
from leadline_cli.rule_import.report import report
from leadline_cli.rule_import.verdict import PrometheusAlert
from tests.fixtures.commands import Run

RULES = """
groups:
- name: pg
  rules:
  - record: standby_lag_seconds
    expr: pg_replication_lag
  - alert: Lag
    expr: standby_lag_seconds > 30
    for: 1m
  - alert: Receiver
    expr: cnpg_pg_replication_in_recovery > cnpg_pg_replication_is_wal_receiver_up
  - alert: Http
    expr: rate(http_requests_total[5m]) > 3
"""


def judge(expr: str, for_s: float = 60.0, present: frozenset[str] | None = None) -> PrometheusAlert:
    """One alert."""
    return report([PrometheusRule("f", "g", "A", expr, for_s, records=False)], present).alerts[0]


def reasons(alert: PrometheusAlert) -> str:
    """All remarks about it."""
    return " / ".join(remark.why for remark in alert.remarks)


def test_the_page_names_each_verdict_and_counts_what_is_left_out(run: Run, tmp_path: Path) -> None:
    """A recording rule is read through; an alert about requests is not judged; the exit code says that one is bad."""
    file = tmp_path / "rules.yml"
    file.write_text(RULES)
    code, out, _ = run("rules", "import", file)
    assert code == 1
    assert "Lag in pg: it can never fire" in out
    assert "Receiver in pg: nothing is wrong with it" in out
    assert "2 alerts about replication: 1 never, 1 right; 1 other is left out" in out
    assert max(map(len, out.splitlines())) <= 80


def test_json_has_one_object_for_each_alert(run: Run, tmp_path: Path) -> None:
    """With the remarks and the rules in its place."""
    file = tmp_path / "rules.yml"
    file.write_text(RULES)
    first, second = (json.loads(line) for line in run("rules", "import", file, "--format", "json").out.splitlines())
    assert (first["name"], first["verdict"]) == ("Lag", "never")
    assert second["ours"] == ["primary_lost", "split_brain", "replication_cut_off"]


def test_a_scrape_proves_that_a_query_of_your_own_emits_a_name(run: Run, tmp_path: Path) -> None:
    """Then the alert can fire; without it that is not seen."""
    rules, page = tmp_path / "rules.yml", tmp_path / "pg.txt"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: pg_replication_delay_seconds > 5}]}]")
    assert "no known exporter emits" in run("rules", "import", rules).out
    page.write_text('# HELP x y\npg_replication_delay_seconds{server="a"} 0.5\n')
    result = run("rules", "import", rules, "--scrape", page)
    assert (result.code, "nothing is wrong with it" in result.out) == (0, True)
    page.write_text('{"status": "success", "data": ["up", "pg_up"]}')
    assert "the scrape has no such series" in " ".join(run("rules", "import", rules, "--scrape", page).out.split())


def test_prometheusrule_and_lists_are_read(tmp_path: Path) -> None:
    """As the operator of Kubernetes has them, and as pages of documentation do."""
    crd, plain = tmp_path / "crd.yml", tmp_path / "list.yml"
    crd.write_text("kind: PrometheusRule\nspec:" + RULES.replace("\n", "\n  "))
    plain.write_text("- alert: A\n  expr: pg_up == 0\n  for: 1h30m\n")
    assert len(read(crd)) == 4
    assert [(rule.name, rule.for_s) for rule in read(plain)] == [("A", 5400.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: [", "it is not YAML"),
        ("a: 1", "it has no rules"),
        ("{{- if .Values.on }}\n", "it is a template of Helm"),
        ("", "it has no rules"),
        ("[" * 3000, "it is not YAML"),
        ("groups: 5", "it has no rules"),
    ],
)
def test_what_is_no_file_of_rules_is_refused_in_one_line(run: Run, tmp_path: Path, text: str, message: str) -> None:
    """It names the file."""
    file = tmp_path / "rules.yml"
    file.write_text(text)
    code, _, err = run("rules", "import", file)
    assert (code, len(err.splitlines())) == (2, 1)
    assert message in err
    assert str(file) in err


@pytest.mark.parametrize(
    ("expr", "verdict", "says"),
    [
        ("pg_replication_lag_seconds >", "unreadable", "the parser of PromQL refuses it"),
        ("patroni_xlog_replayed_location - patroni_xlog_received_location > 1e6", "never", "never above 0"),
        ("cnpg_pg_stat_subscription_apply_error_count > 0", "false_alarm", "a counter only rises"),
        ("pg_stat_archiver_failed_count > 10", "false_alarm", "use increase()"),
        ("patroni_xlog_location > 1000000", "false_alarm", "a position only rises"),
        ("pg_stat_replication_pg_wal_lsn_diff > 0", "vanishes", "more than 0 is no fault"),
        ("pg_stat_replication_pg_wal_lsn_diff > 1e9 or absent(pg_stat_replication_pg_wal_lsn_diff)", "right", ""),
        ("sum(patroni_master) == 0", "hides", "over all clusters at once"),
        ("count(patroni_replica == 1) < 2", "vanishes", "count() of nothing is no value"),
        ("sum by (instance) (pg_replication_is_replica) == pg_replication_is_replica", "never", "all labels of its"),
        ("pg_replication_slots_pg_wal_lsn_diff > 1e9 unless pg_replication_is_replica == 1", "vanishes", "no effect"),
        ("pg_replication_slots_active == 0 and on(slot_name) pg_replication_is_replica == 0", "never", "on slot_name"),
        ("ccp_is_in_recovery_status != ccp_is_in_recovery_status offset 1m", "hides", "it never fires"),
        ("ccp_replication_lag_replay_time > 300", "false_alarm", "grows while the primary is idle"),
        ("absent(pg_replication_lag)", "false_alarm", "the absence of what is never there"),
        ("pg_replication_lag > 5 or pg_replication_lag_seconds > 5", "hides", "a part of it is never true"),
    ],
)
def test_each_mistake_is_named(expr: str, verdict: str, says: str) -> None:
    """In plain words."""
    alert = judge(expr)
    assert alert.verdict == verdict, reasons(alert)
    assert says in reasons(alert)


def test_a_scrape_makes_an_old_name_possible() -> None:
    """The exporter of 2019 has it still."""
    assert judge("pg_replication_lag > 5", present=frozenset({"pg_replication_lag"})).verdict == "false_alarm"


def test_a_rule_that_records_itself_ends() -> None:
    """A circle of recording rules is read once."""
    rules = [
        PrometheusRule("f", "g", "pg:replica_lag", "pg:replica_lag + 1", 0, records=True),
        PrometheusRule("f", "g", "A", "pg:replica_lag > 1", 0, records=False),
    ]
    assert report(rules).alerts[0].name == "A"
