"""The runbook of each rule: its page, and the page with the servers of an incident."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from leadline.headline import first_line
from leadline.logs import escape
from leadline.model.incident import Incident

_INSTALLED: Final = Path(__file__).parent / "runbook_pages"
_IN_THE_TREE: Final = Path(__file__).parents[1] / "docs/runbooks"
FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else _IN_THE_TREE
"""The pages: in an installed distribution beside this file, in a checkout in the documentation."""
_PLACE: Final = re.compile(r"^( *-- on )(the primary|the publisher|the standby|the subscriber|both)$", re.MULTILINE)
_SAFE: Final = 'The statements under "Check first" change nothing and need no more than the role pg_monitor.'


def names() -> list[str]:
    """The rules that have a page."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def page(rule: str) -> str:
    """The page of a rule, in Markdown. Raises FileNotFoundError when there is none."""
    return (FOLDER / f"{rule}.md").read_text("utf-8")


def command(incident: Incident) -> str:
    """The command that shows the page of an incident's first rule, with its servers; empty where it has no rule."""
    if not incident.rules:
        return ""
    return f"leadline runbook {incident.rules[0]} --incident {incident.incident_id}"


def filled(text: str, incident: Incident) -> str:
    """A page with the servers of an incident in its statements, below what is known of the incident."""
    heading, _, rest = text.partition("\n")
    upstream, downstream = _servers(incident)
    both = list(dict.fromkeys([*upstream, *downstream]))
    places = {
        "the primary": upstream,
        "the publisher": upstream,
        "the standby": downstream,
        "the subscriber": downstream,
        "both": both,
    }

    def named(found: re.Match[str]) -> str:
        servers = places[found[2]]
        return found[1] + (", ".join(map(escape, servers)) if servers else found[2])

    return "\n".join([heading, "", *_about(incident), _PLACE.sub(named, rest)])


def _about(incident: Incident) -> Iterator[str]:
    yield f"> {escape(first_line(incident))}"
    for cause in incident.causes[:1]:
        yield f"> Cause ({cause.code}, {cause.confidence:.0%}): {escape(cause.summary)}"
    yield f"> {_SAFE}"


def _servers(incident: Incident) -> tuple[list[str], list[str]]:
    """The upstreams and the downstreams of the links affected; else the server of the slot or subscription affected."""
    links = [link.removeprefix(f"{incident.cluster}/").partition("->") for link in incident.affected.links]
    upstream = [up for up, arrow, _ in links if arrow]
    downstream = [down.partition("/")[0] for _, arrow, down in links if arrow]
    for cause in incident.causes[:1]:
        about = cause.subject
        if about.kind == "slot" and about.node:
            upstream.append(about.node)
        if about.kind == "subscription" and about.node:
            downstream.append(about.node)
    return _once(upstream), _once(downstream)


def _once(servers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(servers))
