"""Files of rules: those of Prometheus, and ``PrometheusRule`` of its operator."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leadline.errors import UsageError

_SPAN = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


@dataclass(frozen=True, slots=True)
class PrometheusRule:
    """One rule of a file: an alert, or a recording rule."""

    file: str
    group: str
    name: str
    expr: str
    for_s: float
    records: bool


def read(path: Path) -> list[PrometheusRule]:
    """Every rule of a file. Raises UsageError that names the file and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if "{{-" in text or re.search(r"{{\s*\.(Values|namespace|Release)", text):
        raise UsageError(f"{path}: it is a template of Helm; render it with `helm template`, and give the result")
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise UsageError(f"{path}{line}: it is not YAML: {getattr(error, 'problem', None) or 'too deep'}") from None
    found = [rule for document in documents for rule in _rules(str(path), document)]
    if not found:
        raise UsageError(f"{path}: it has no rules; give a file with groups, as Prometheus reads it")
    return found


def seconds(span: object) -> float:
    """The seconds of a duration such as ``1h30m``; 0 for anything else."""
    return sum(int(count) * _UNITS[unit] for count, unit in _SPAN.findall(str(span)))


def _rules(file: str, document: Any) -> Iterator[PrometheusRule]:
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _rules(file, item)
        return
    if isinstance(document, dict) and isinstance(document.get("spec"), dict):
        document = document["spec"]
    groups = document.get("groups") if isinstance(document, dict) else None
    if groups is None:  # a list of rules, as in the pages of documentation
        groups = [{"name": "", "rules": document if isinstance(document, list) else [document]}]
    for group in groups if isinstance(groups, list) else []:
        rules = group.get("rules") if isinstance(group, dict) else None
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict) and "expr" in rule and ("alert" in rule or "record" in rule):
                name = str(rule.get("alert", rule.get("record")))
                group_name, for_s = str(group.get("name", "")), seconds(rule.get("for", ""))
                yield PrometheusRule(file, group_name, name, str(rule["expr"]), for_s, "alert" not in rule)
