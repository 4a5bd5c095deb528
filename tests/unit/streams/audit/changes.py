"""Changes to recorded looks, by which a rule is violated or not."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from msgspec.structs import replace

from leadline.model.audit_look import (
    AuditedDatabase,
    HbaLine,
)
from leadline.model.host import Archiver
from leadline.model.replication import Downstream
from leadline.model.tables import Table, Tables
from tests.unit.streams.audit.draft import Draft

Change = Callable[[Draft], object]
P, S, T = "pg-1", "pg-2", "pg-3"


def nothing(draft: Draft) -> None:
    """As it was recorded."""


class Case(NamedTuple):
    rule: str
    bad: Change
    good: Change = nothing
    """The nearest thing that is right; by default what was recorded."""
    kind: str = "pair"
    major: int = 18


def put(node: str, **settings: str) -> Change:
    return lambda draft: draft.put(node, **settings)


def both(*changes: Change) -> Change:
    def all_of_them(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return all_of_them


def archiving(node: str, **fields: object) -> Change:
    return both(put(node, archive_mode="on"), lambda draft: draft.sampled(node, archiver=Archiver(**fields)))


def hba(node: str, *lines: HbaLine) -> Change:
    return lambda draft: draft.read(node, hba=lines)


def senders(node: str, **fields: object) -> Change:
    def change(draft: Draft) -> None:
        found = draft.look_of(node).senders
        assert found
        draft.read(node, senders=tuple(replace(each, **fields) for each in found))

    return change


def rows(*names: str, kind: str = "physical") -> Change:
    def change(draft: Draft) -> None:
        here = draft.sample_of(P).downstreams
        more = tuple(Downstream(name=name, kind=kind, pid=number) for number, name in enumerate(names, 1))  # type: ignore[arg-type]
        draft.sampled(P, downstreams=(*here, *more))

    return change


def sorted_by(node: str, recorded: str | None, actual: str | None) -> Change:
    return lambda draft: draft.read(node, databases=(AuditedDatabase(name="app", recorded=recorded, actual=actual),))


def behind(seconds: float) -> Change:
    return lambda draft: draft.read(S, at=draft.look_of(S).at - timedelta(seconds=seconds))


def as_primary(draft: Draft) -> None:
    draft.sampled(S, node=replace(draft.sample_of(S).node, role="primary"))


def older(node: str) -> Change:
    return lambda draft: draft.sampled(
        node, node=replace(draft.sample_of(node).node, version="18.1", version_num=180001)
    )


def circle(draft: Draft) -> None:
    (link,) = draft.found.links
    back = replace(link, upstream=link.downstream, downstream=link.upstream, link=link.link + "-back")
    draft.sampled(P, node=replace(draft.sample_of(P).node, role="standby"))
    draft.found.links.append(back)


def two_subscriptions(draft: Draft, **fields: object) -> None:
    (one,) = draft.sample_of(T).subscriptions
    (link,) = draft.found.links
    draft.sampled(T, subscriptions=(one, replace(one, name="other", **fields)))
    draft.found.links.append(replace(link, name="other", link=link.link + "-other"))


def back_and_forth(origin: str) -> Change:
    def change(draft: Draft) -> None:
        (link,) = draft.found.links
        (there,) = draft.sample_of(T).subscriptions
        draft.subscription(T, origin=origin)
        draft.sampled(P, subscriptions=(replace(there, name="back", slot="back", origin=origin),))
        draft.sampled(P, subscribes={"back": ("public.items",)})
        draft.found.links.append(replace(link, upstream=T, downstream=P, name="back", link="main/back"))

    return change


def tables(columns: dict[str, str], here: dict[str, str]) -> Change:
    def change(draft: Draft) -> None:
        sent = Tables(published={"pg_3": [Table(name="items", columns=columns)]})
        draft.read(P, tables=sent).read(T, tables=Tables(present=(Table(name="items", columns=here),)))
        draft.sampled(T, subscribes={"pg_3": ("items",)})

    return change


REPLICATES = HbaLine(
    line=1, kind="host", databases=("replication",), users=("all",), address="10.0.0.0", method="trust"
)
LOGICAL = {"kind": "logical", "plugin": "pgoutput", "database": "postgres"}
