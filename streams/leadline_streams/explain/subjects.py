"""The subject that a person names: a link, a node or an incident, by its identity or by a name that only one has."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from leadline.errors import UsageError
from leadline.model.ids import node_id
from leadline_streams.judge.state import Memory


@dataclass(frozen=True, slots=True)
class Chosen:
    """A subject of one cluster, with the links and nodes that belong to it."""

    kind: Literal["link", "node", "incident"]
    ident: str
    name: str
    """In the words of people."""
    links: tuple[str, ...]
    nodes: tuple[str, ...]


def choose(text: str, memories: Iterable[Memory]) -> tuple[Chosen, Memory]:
    """The subject that ``text`` names. Raises UsageError when it names none, or several."""
    known = list(memories)
    found = [(each, memory) for memory in known for each in _named(text, memory)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text} is {', '.join(each.ident for each, _ in found[:5])}: give one of these names")
    names = [name for memory in known for name in _names(memory)]
    short = [name.partition("/")[2] or name for name in names]
    near = get_close_matches(text, [*names, *short], 3, 0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else _hint(names)
    raise UsageError(f"no link, node or incident {text} is seen up to this time; {hint}")


def _hint(names: list[str]) -> str:
    if not names:
        return "no observation of its cluster was read; give a longer --back, or the right FILE"
    return f"seen are {', '.join(names[:5])}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _names(memory: Memory) -> list[str]:
    nodes = [node_id(memory.cluster, name) for name in memory.nodes]
    return [*memory.links, *nodes, *(each.id for each in (*memory.incidents, *memory.ended))]


def _named(text: str, memory: Memory) -> list[Chosen]:
    plain = text.replace(" ", "")
    found = [
        Chosen("link", link.id, f"{memory.cluster}: {link.upstream} -> {link.downstream}", (link.id,), ends)
        for link in memory.links.values()
        for ends in [(link.upstream, link.downstream)]
        if plain in (link.id, f"{link.upstream}->{link.downstream}")
    ]
    found += [
        Chosen("node", ident, f"{memory.cluster}: {name}", (), (name,))
        for name in memory.nodes
        for ident in [node_id(memory.cluster, name)]
        if text in (ident, name)
    ]
    for incident in (*memory.incidents, *memory.ended):
        if incident.id == text:
            links = tuple(dict.fromkeys(each.id for each in incident.subjects if each.id in memory.links))
            ends = [name for link in links for name in (memory.links[link].upstream, memory.links[link].downstream)]
            nodes = [each.node for each in incident.subjects if each.node is not None]
            present = tuple(name for name in dict.fromkeys((*ends, *nodes)) if name in memory.nodes)
            found.append(Chosen("incident", incident.id, incident.id, links, present))
    return found
