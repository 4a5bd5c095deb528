"""The measurements of the zoo: each fault's numbers, and the rates over all of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

FORMS = {
    "": "named, watched from before",
    "plain": "as people have it, watched from before",
    "late": "named, looking begins after the break",
    "plain-late": "as people have it, looking begins after the break",
}
"""The forms of a fault, in words."""
RESULT = Path(__file__).parents[2] / "build" / "zoo.json"


@dataclass(slots=True)
class Score:
    """One fault on one version of PostgreSQL. Times are in seconds; None where it did not come to that."""

    fault: str
    server_version: str
    expected_cause: str
    rule: str = ""
    ranked_first: bool = False
    """Whether the right cause came first in time, and stayed so to the end."""
    detected_s: float | None = None
    """From the fault to the rule's alert."""
    cause_s: float | None = None
    """From the fault to the incident whose first cause is the right one."""
    pages: int = 0
    """Incidents that were opened for it: a page each."""
    resolved_s: float | None = None
    """From the healing to the end of the incident; None for faults that nothing heals."""
    form: str = ""
    """``late`` where looking began after the fault: then times count from that beginning; ``plain`` where servers have
    no names and no slots; both, or empty."""
    looked: str = ""
    """The cause that a single look at the broken servers named."""
    harms: int = 0
    """Steps that were proposed and would have destroyed something in use."""


@dataclass(slots=True)
class Control:
    """Something healthy on one version of PostgreSQL, and whether no incident was opened for it."""

    control: str
    server_version: str
    silent: bool


def result(scores: Sequence[Score], controls: Sequence[Control], about: Mapping[str, Any]) -> dict[str, Any]:
    """The run as one JSON value."""
    first = [score for score in scores if score.ranked_first]
    return {
        **about,
        "score": round(len(first) / len(scores), 3) if scores else 0.0,
        "median_detected_s": _median([score.detected_s for score in scores]),
        "median_cause_s": _median([score.cause_s for score in scores]),
        "faults": [
            asdict(score) for score in sorted(scores, key=lambda score: (score.fault, score.form, score.server_version))
        ],
        "controls": [asdict(each) for each in sorted(controls, key=lambda each: (each.control, each.server_version))],
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The run for a terminal: a line per fault, then what they say together."""
    for score in found["faults"]:
        times = "  ".join(f"{seconds(score[key]):>7}" for key in ("detected_s", "cause_s", "resolved_s"))
        first = "first" if score["ranked_first"] else "NOT FIRST"
        pages = f"{score['pages']} page{'' if score['pages'] == 1 else 's'}"
        yield (
            f"{score['fault']:44} {score['form']:10} {score['server_version']:6} {score['rule']:24} "
            f"{score['expected_cause']:32} {times}  {pages:7}  {first}{checked(score)}"
        )
    for each in found["controls"]:
        if not each["silent"]:
            yield f"{each['control']:44} {each['server_version']:6} a control that was NOT SILENT"
    yield from summary(found)


def summary(found: Mapping[str, Any]) -> Iterator[str]:
    """The numbers of the product, for all versions and for each, and for each form."""
    for form, words in FORMS.items():
        of = [fault for fault in found["faults"] if fault["form"] == form]
        if of and len(of) < len(found["faults"]):
            yield f"{words}: {_rates(of, 'start' if 'late' in form else 'break')}"
    late = [fault for fault in found["faults"] if "late" in fault["form"]]
    if late:
        named = sum(fault["looked"] == fault["expected_cause"] for fault in late)
        yield f"one look by `leadline check` ranks the right cause first for {named} of {len(late)} that began late"
    versions = sorted({fault["server_version"] for fault in found["faults"]}, key=version_key)
    for version in (None, *(versions if len(versions) > 1 else ())):
        faults = [fault for fault in found["faults"] if version in (None, fault["server_version"])]
        if faults:
            yield f"{'all versions' if version is None else f'PostgreSQL {version}'}: {_rates(faults)}"
    harms = sum(fault.get("harms", 0) for fault in found["faults"])
    yield f"{harms or 'no'} steps were proposed that would have destroyed something in use"
    silent = sum(each["silent"] for each in found["controls"])
    yield f"{silent} of {len(found['controls'])} controls raised nothing"


def _rates(faults: Sequence[Mapping[str, Any]], since: str = "") -> str:
    first = sum(fault["ranked_first"] for fault in faults)
    from_ = f" from the {since}" if since else ""
    return (
        f"the right cause first for {first} of {len(faults)} faults ({first / len(faults):.1%}); median time{from_} to "
        f"detection {seconds(_median([fault['detected_s'] for fault in faults]))}, to cause "
        f"{seconds(_median([fault['cause_s'] for fault in faults]))}"
    )


def checked(score: Mapping[str, Any]) -> str:
    """The cause that one look named, where it is not the right one; empty where it is, or where nobody looked."""
    if "late" not in score["form"] or score["looked"] == score["expected_cause"]:
        return ""
    return f"; check: {score['looked'] or 'none'}"


def seconds(value: float | None) -> str:
    """A time for people."""
    return f"{value:.1f} s" if value is not None else "-"


def version_key(version: str) -> list[int]:
    """The key to sort versions by: 9.6 before 15."""
    return [int(part) for part in version.split(".") if part.isdigit()]


def save(found: Mapping[str, Any]) -> None:
    """Leave the run where the page is made from."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 2) if known else None
