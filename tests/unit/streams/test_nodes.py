"""The nodes of a cluster are found by what they show."""

from copy import deepcopy

from leadline_streams.judge.nodes import MOST, Nodes, Sign


class Node:
    """A node that shows what a test says."""

    def __init__(self, name: str, *signs: Sign) -> None:
        self.name = name
        self.shown = frozenset(signs)

    def signs(self) -> frozenset[Sign]:
        return self.shown


A: Sign = ("slot", "a")
B: Sign = ("publication", "b")


def names(found: list[Node]) -> list[str]:
    return [node.name for node in found]


def test_nodes_are_found_by_all_that_is_asked_for_in_their_order() -> None:
    """Whatever the order in which they came to show it."""
    nodes: Nodes[Node] = Nodes({name: Node(name, B) for name in ("z", "y", "x")})
    assert nodes.having(A) == nodes.having() == []
    for name in ("x", "z"):
        nodes[name].shown = frozenset([A, B])
        nodes.note(name)
    assert names(nodes.having(A)) == ["z", "x"]
    assert names(nodes.having(A, B)) == ["z", "x"]
    assert names(nodes.having(B)) == ["z", "y", "x"]
    again: Nodes[Node] = Nodes(nodes)
    assert names(again.having(A)) == names(deepcopy(nodes).having(A)) == ["z", "x"]


def test_what_is_gone_is_not_found() -> None:
    """A node that was removed, and came again as the last."""
    nodes: Nodes[Node] = Nodes({name: Node(name, A) for name in ("z", "y")})
    nodes["y"].shown = frozenset()
    nodes.note("y")
    assert names(nodes.having(A)) == ["z"]
    del nodes["z"]
    assert nodes.having(A) == []
    nodes["z"] = Node("z", A)
    nodes["y"] = Node("y", A)
    assert names(nodes.having(A)) == ["y", "z"]


def test_of_very_many_the_first_are_found() -> None:
    """One slot name on each of thousands of servers says nothing about any of them."""
    nodes: Nodes[Node] = Nodes({f"n{number}": Node(f"n{number}", A) for number in range(1000)})
    assert names(nodes.having(A)) == [f"n{number}" for number in range(MOST)]
