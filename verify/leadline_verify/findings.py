"""The record of a verification as findings, which the stream judges like those that samples show. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from leadline.difference_words import in_words, tables_in_words
from leadline.model.alert import Evidence, Subject
from leadline.model.finding import MOST_DIFFERING, Finding
from leadline.model.verification import SequenceDifference, TableDifference, Verification

NAMED: Final = 3
MOST_FACTS: Final = 10
MOST_KEYS: Final = 5
"""So many keys of one table are in a finding."""


def findings_of(last: Verification, now: datetime) -> list[Finding]:
    """The findings of a link's last verification as of now, the age of its proof among them."""
    about = subject_of(last)
    found = [*_divergence(last, about), *_sequences(last, about), *_blindness(last, about)]
    return [*found, _age(last, about, now)]


def subject_of(last: Verification) -> Subject:
    """The link."""
    return Subject(
        kind="link",
        id=last.link,
        upstream=last.upstream,
        downstream=last.downstream,
        link_kind=last.link_kind,
        name=last.name or None,
    )


def _divergence(last: Verification, about: Subject) -> Iterator[Finding]:
    tables = last.differences
    if not tables:
        return
    yield Finding(
        rule="data_divergence",
        subject=about,
        value=float(sum(each.rows for each in tables)),
        summary=f"data of {last.downstream} differs from {last.upstream}: {tables_in_words(tables)}",
        evidence=[
            *(_fact("rows_differ", each.rows, last.downstream, in_words(each)) for each in tables[:MOST_FACTS]),
            _fact("verified_at", f"{last.ended_at:%Y-%m-%d %H:%M:%S} UTC", None, f"run {last.run_id}"),
        ],
        node=last.downstream,
        differs=[_trimmed(each) for each in tables[:MOST_DIFFERING]],
    )


def _trimmed(table: TableDifference) -> TableDifference:
    return replace(table, first=table.first[:MOST_KEYS])


def _sequences(last: Verification, about: Subject) -> Iterator[Finding]:
    behind = last.sequences_behind
    if not behind:
        return
    first = ", ".join(_sequence(each) for each in behind[:NAMED])
    more = f" and {len(behind) - NAMED} more" if len(behind) > NAMED else ""
    cut_over = ", which is about to take over" if last.cut_over else ""
    yield Finding(
        rule="sequence_behind",
        subject=about,
        value=2.0 if last.cut_over else 1.0,
        summary=f"{len(behind)} sequence{'s' if len(behind) > 1 else ''} of {last.downstream}{cut_over} "
        f"{'are' if len(behind) > 1 else 'is'} behind {last.upstream}: {first}{more}",
        evidence=[
            _fact(each.sequence, _value(each), last.downstream, f"{each.upstream_value} on {last.upstream}")
            for each in behind[:MOST_FACTS]
        ],
        node=last.downstream,
    )


def _sequence(each: SequenceDifference) -> str:
    return f"{each.sequence} {_value(each)}, there {each.upstream_value}"


def _value(each: SequenceDifference) -> object:
    return "never used" if each.downstream_value is None else each.downstream_value


def _blindness(last: Verification, about: Subject) -> Iterator[Finding]:
    if last.canary == "missed":
        yield Finding(
            rule="checker_blind",
            subject=about,
            value=1.0,
            summary=f"a verification of {last.downstream} against {last.upstream} did not find the difference that it "
            "had planted in its own computation: nothing that it calls equal is proven",
            evidence=[_fact("run", last.run_id, None, f"ended at {last.ended_at:%Y-%m-%d %H:%M:%S} UTC")],
            node=last.downstream,
        )


def _age(last: Verification, about: Subject, now: datetime) -> Finding:
    since = last.equal_at or last.asked_at
    never = "was never proven equal to" if last.equal_at is None else "was last proven equal to"
    when = "" if last.equal_at is None else f", as of {last.equal_at:%Y-%m-%d %H:%M} UTC"
    why = [_fact("last_run", last.outcome, None, last.detail or None)]
    for table in last.tables:
        reason = table.refused or next(iter(table.undecided), None)
        if reason is not None and len(why) < MOST_FACTS:
            why.append(_fact(table.table, f"{table.coverage:.0%} compared", last.downstream, reason))
    return Finding(
        rule="consistency_unverified",
        subject=about,
        value=max(0.0, (now - since).total_seconds()),
        summary=f"all data of {last.downstream} {never} {last.upstream}{when}",
        evidence=why,
        node=last.downstream,
        grows=True,
    )


def _fact(name: str, value: object, node: str | None, note: str | None) -> Evidence:
    return Evidence(name=name, value=str(value), node=node, note=note)
