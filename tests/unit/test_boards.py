"""The Grafana boards, held to Grafana's own types; the metrics of boards and rules exist."""

import re
import typing
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import orjson
import pytest
import yaml
from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard

from leadline import metrics
from leadline.subject_metrics import DECLARED

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus/rules.yml"
TESTED = DEPLOY / "prometheus/rules_test.yml"
each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)

NAME = re.compile(r"\bleadline_\w+")
GROUPED = re.compile(r"\b(?:by|on|group_left) \(([\w, ]*)\)|\{([^}]*)\}")
ADDED = {"instance", "job", "le", "ends"}
"""Labels that Prometheus adds, that histograms have, and that `count_values` makes."""

register_default_plugins()


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def lost(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """The paths of what Grafana's types do not have, or have as something else."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        missing = [f"{path}.{key}" for key in ours.keys() - theirs.keys()]
        common = ours.keys() & theirs.keys()
        return missing + [each for key in common for each in lost(ours[key], theirs[key], f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [each for at, (one, other) in pairs for each in lost(one, other, f"{path}[{at}]")]
    return [] if ours == theirs and type(ours) is type(theirs) else [path]


def mistyped(value: Any, kind: Any, path: str = "") -> list[str]:
    """The paths of values that are not of the type that Grafana's types declare."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or isinstance(kind, (str, typing.ForwardRef, typing.TypeVar)):
        return []
    if origin is typing.Literal:
        return [] if value in inner else [f"{path}: {value!r}"]
    if origin in (typing.Union, UnionType):
        if value is None and NoneType in inner:
            return []
        found = [(not is_a(value, each), mistyped(value, each, path)) for each in inner if each is not NoneType]
        return min(found, key=lambda one: (one[0], len(one[1])))[1]
    if origin in (list, typing.List):  # noqa: UP006
        if not isinstance(value, list):
            return [f"{path}: {value!r}"]
        return [bad for at, each in enumerate(value) for bad in mistyped(each, inner[0], f"{path}[{at}]")]
    if origin is dict:
        return [] if isinstance(value, dict) else [f"{path}: {value!r}"]
    if kind is float:
        return [] if isinstance(value, (int, float)) and not isinstance(value, bool) else [f"{path}: {value!r}"]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [] if value in [each.value for each in kind] else [f"{path}: {value!r} is no {kind.__name__}"]
    if isinstance(kind, type):
        if isinstance(value, dict) and hasattr(kind, "from_json"):
            value = kind.from_json(value)  # the package leaves some as they are read
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return [f"{path}: {value!r} is no {kind.__name__}"]
        hints = typing.get_type_hints(type(value)) if type(value).__module__.startswith("grafana") else {}
        return [bad for name, hint in hints.items() for bad in mistyped(getattr(value, name), hint, f"{path}.{name}")]
    return []


def is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, whatever is in it."""
    plain = typing.get_origin(kind) or kind
    return not isinstance(plain, type) or isinstance(value, plain) or issubclass(plain, Enum)


def faults(document: Any) -> list[str]:
    made = dashboard.Dashboard.from_json(document)
    return lost(document, orjson.loads(JSONEncoder(sort_keys=True).encode(made))) + mistyped(made, dashboard.Dashboard)


@each_board
def test_a_board_has_the_types_that_grafana_publishes(board: Path) -> None:
    """Each key is one of Grafana's, and each value of the type that it declares."""
    assert faults(read(board)) == []


def test_a_wrong_board_is_found() -> None:
    """A key that does not exist, a title that is a number, a width that is text."""
    document = read(BOARDS[0])
    document["panels"][0]["gridpos"] = {}
    document["panels"][1]["title"] = 7
    document["panels"][2]["gridPos"]["w"] = "wide"
    found = " ".join(faults(document))
    assert ".panels[0].gridpos" in found
    assert "panels[1].title: 7" in found
    assert "panels[2].grid_pos.w: 'wide'" in found


def variables(document: Any) -> dict[str, str]:
    """The kind of each data source that a board asks for, by its name."""
    given = document.get("templating", {}).get("list", ())
    return {f"${{{each['name']}}}": each["query"] for each in given if each["type"] == "datasource"}


def sources(value: Any) -> list[tuple[str, str]]:
    """Each reference to a data source: its name and kind."""
    if isinstance(value, list):
        return [found for each in value for found in sources(each)]
    if not isinstance(value, dict):
        return []
    own = [(value["datasource"]["uid"], value["datasource"]["type"])] if "datasource" in value else []
    return own + [found for each in value.values() for found in sources(each)]


@each_board
def test_a_board_asks_for_its_data_source(board: Path) -> None:
    """Each reference is to a variable of the board, of its kind: with a fixed identity, or one of an export, a board of
    others showed `Datasource ${DS_PROMETHEUS} was not found` (kubernetes/ingress-nginx issue 4190, grafana/grafana
    issues 10786 and 11018, spegel-org/spegel pull request 1309). It names PostgreSQL as Grafana does since 10.2.3: the
    name before found none (grafana/grafana issue 78099, grafana/grafana-zabbix pull request 1771)."""
    document = read(board)
    assert set(sources(document)) == set(variables(document).items())
    assert set(variables(document).values()) <= {"prometheus", "grafana-postgresql-datasource"}
    assert "__inputs" not in document
    assert "id" not in document


@each_board
def test_every_kind_of_panel_and_query_has_types(board: Path) -> None:
    """Of a kind that Grafana's package does not know, it would take every option. It has no types of SQL queries, so
    these have the fields that all of Grafana's SQL editors write."""
    for panel in read(board)["panels"]:
        assert runtime.panelcfg_config(panel["type"]) is not None, panel["type"]
        for target in panel["targets"]:
            if "rawSql" in target:
                assert set(target) == {"refId", "datasource", "format", "rawQuery", "rawSql"}
                assert target["format"] in ("table", "time_series")
            else:
                made = runtime.dataquery_from_json(target, target["datasource"]["type"])
                assert type(made).__module__ == "grafana_foundation_sdk.models.prometheus"


@each_board
def test_the_window_of_a_rate_grows_with_the_step(board: Path) -> None:
    """A fixed window shows, over a week, five minutes of each hour, and what fails in between is on no graph
    (rfmoz/grafana-dashboards issue 72); one that follows the step alone is empty where Prometheus scrapes each minute
    (weka/csi-wekafs pull request 741, grafana/mimir pull request 2011, kubernetes-sigs/kubernetes-mixin pull request
    212), so the step has a least length."""
    for panel in read(board)["panels"]:
        for target in panel["targets"]:
            windows = re.findall(r"\[([^]]+)\]", target.get("expr", ""))
            if target.get("range") and windows:
                assert (set(windows) - {"1h"}, panel.get("interval")) in (
                    ({"$__rate_interval"}, "2m"),
                    (set(), None),
                ), panel["title"]


def test_boards_have_their_own_identities() -> None:
    """Two of one would replace each other; two panels of one identity, too."""
    found = [read(board)["uid"] for board in BOARDS]
    assert len(set(found)) == len(found)
    for board in BOARDS:
        panels = [panel["id"] for panel in read(board)["panels"]]
        assert len(set(panels)) == len(panels)


def expressions() -> list[tuple[str, str]]:
    """Every PromQL expression of boards and rules, with its place."""
    panels = [(board.stem, panel) for board in BOARDS for panel in read(board)["panels"]]
    found = [
        (f"{name}: {panel['title']}", target["expr"])
        for name, panel in panels
        for target in panel["targets"]
        if "expr" in target
    ]
    variables = [
        (f"{board.stem}: ${variable['name']}", variable["query"]["query"])
        for board in BOARDS
        for variable in read(board).get("templating", {}).get("list", ())
        if variable["type"] == "query"
    ]
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    return found + variables + [(rule["alert"], rule["expr"]) for rule in rules]


def labels_of(expression: str) -> set[str]:
    """The labels that it selects or groups by."""
    found: set[str] = set()
    for grouped, selected in GROUPED.findall(expression):
        found.update(name.strip() for name in grouped.split(",") if name.strip())
        found.update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected))
    return found


@pytest.mark.parametrize(("place", "expression"), expressions(), ids=lambda value: value if " " in value else None)
def test_metrics_and_labels_exist(place: str, expression: str) -> None:
    """Each name is a metric of a process, and each label one that these metrics have."""
    listed = metrics.listing()
    bases = {
        re.sub(r"_(bucket|sum|count)$", "", name) if name not in listed else name for name in NAME.findall(expression)
    }
    assert bases
    assert bases - set(listed) == set()
    assert labels_of(expression) - ADDED <= {label for name in bases for label in labels_by_name()[name]}


def labels_by_name() -> dict[str, tuple[str, ...]]:
    """The labels of every metric, as declared."""
    own = {
        name: tuple(collector._labelnames)
        for collector, names in metrics.REGISTRY._collector_to_names.items()
        if hasattr(collector, "_labelnames")
        for name in names
    }
    return own | {name: declared.labels for name, declared in DECLARED.items()}


def test_every_gauge_of_what_is_judged_is_on_a_board() -> None:
    """A gauge that nobody can look at has no use."""
    shown = {name for _, expression in expressions() for name in NAME.findall(expression)}
    assert set(DECLARED) - shown == set()


def test_every_alert_is_tested_to_fire() -> None:
    """Each rule has a case in which it fires; the others in its file say when it does not."""
    cases = [case for test in yaml.safe_load(TESTED.read_text())["tests"] for case in test["alert_rule_test"]]
    rules = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert set(rules) == {case["alertname"] for case in cases if case.get("exp_alerts")}
