"""Records of a server log: csvlog, jsonlog or stderr, from bytes that may begin in the middle of a record. Pure."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CSV_CODE, CSV_MESSAGE, CSV_DETAIL, CSV_CONTEXT, CSV_PROCESS = 12, 13, 14, 18, 23
"""Columns of csvlog, the same in all versions since 13."""
_CSV_BEGINS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^,\n]+,", re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_SEVERITY = re.compile(r"(?P<severity>[^\W\d]+):  (?P<message>.*)")
"""A severity in any language; the two spaces after it are the same in all of them."""
_ESCAPES = {
    "m": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) \S+",
    "t": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \S+",
    "n": r"\d+\.\d+",
    "p": r"(?P<pid>\d+)",
    "b": r"(?P<process>.*?)",
    "e": r"(?P<code>[0-9A-Z]{5})",
    "%": "%",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One message of a server log. Empty where the form does not show it."""

    at: datetime | None
    process: str
    code: str
    message: str
    context: str = ""


def records(path: str, tail: bytes, prefix: str, zone: timedelta) -> list[Record]:
    """The whole records, in order. ``prefix`` is log_line_prefix, ``zone`` what local times are ahead of UTC."""
    text = tail.decode("utf-8", "replace").replace("\0", "")
    if path.endswith(".csv"):
        return list(_csv(text, zone))
    if path.endswith(".json"):
        return list(_json(text, zone))
    return _stderr(text, prefix, zone)


def _csv(text: str, zone: timedelta) -> Iterator[Record]:
    begin = _CSV_BEGINS.search(text)
    if begin is None:
        return
    for row in csv.reader(text[begin.start() :].splitlines(keepends=True)):
        if len(row) > CSV_PROCESS and _TIME.match(row[0]):
            yield Record(
                _time(row[0], zone), row[CSV_PROCESS], row[CSV_CODE], _line(row[CSV_MESSAGE]), row[CSV_CONTEXT]
            )


def _json(text: str, zone: timedelta) -> Iterator[Record]:
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            shown = {name: str(value) for name, value in found.items()}
            yield Record(
                _time(shown.get("timestamp", ""), zone),
                shown.get("backend_type", ""),
                shown.get("state_code", "00000"),
                _line(shown.get("message", "")),
                shown.get("context", ""),
            )


def _stderr(text: str, prefix: str, zone: timedelta) -> list[Record]:
    """Lines with the prefix; those of DETAIL, HINT and the like belong to the message before them."""
    begins = re.compile(f"{_pattern(prefix)}{_SEVERITY.pattern}")
    found: list[Record] = []
    before: tuple[str, str] | None = None
    for line in text.splitlines():
        match = begins.match(line)
        if match is None:
            continue
        shown = {"time": "", "pid": "", "process": "", "code": "", **match.groupdict()}
        same = (shown["time"][:19], shown["pid"])
        if _CONTEXT.match(shown["severity"]):
            if found and before == same:
                last = found[-1]
                found[-1] = Record(last.at, last.process, last.code, last.message, f"{last.context} {shown['message']}")
            continue
        before = same
        found.append(Record(_time(shown["time"], zone), shown["process"], shown["code"], shown["message"]))
    return found


_CONTEXT = re.compile("DETAIL|HINT|TIPP|CONTEXT|KONTEXT|CONTEXTE|STATEMENT|ANWEISUNG|INSTRUCTION|ASTUCE|QUERY|LOCATION")


def _pattern(prefix: str) -> str:
    """log_line_prefix as a regular expression. What follows ``%q`` is missing for processes without a session."""
    pattern, optional, named = "", 0, set()
    for text, padding, letter in re.findall(r"([^%]+)|%(-?\d*)(.)", prefix):
        if text:
            pattern += re.escape(text)
        elif letter == "q":
            pattern, optional = f"{pattern}(?:", optional + 1
        else:
            part = _ESCAPES.get(letter, r".*?")
            name = part[3 : part.index(">")] if part.startswith("(?P<") else ""
            if name in named:
                part = r".*?"
            named.add(name)
            pattern += rf"\s*{part}\s*" if padding else part
    return pattern + ")?" * optional


def _time(text: str, zone: timedelta) -> datetime | None:
    found = _TIME.match(text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[0]).replace(tzinfo=UTC) - zone
    except (ValueError, OverflowError):
        return None


def _line(message: str) -> str:
    return message.partition("\n")[0]
