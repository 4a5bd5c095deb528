"""``node_name_shared``: two agents send under one node name."""

from leadline.model.node import Node
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact
from leadline_streams.judge.shared_names import are_two_servers


def measure(context: NodeContext) -> float | None:
    """1 while the runs of two agents alternate."""
    return 1.0 if context.node.shared_at else None


def describe(context: NodeContext, value: float) -> Words:
    """The two, and whether they read one server."""
    node = context.node
    read = [node.node, *([node.twin] if node.twin is not None else [])]
    what = "two servers as if they were one" if are_two_servers(node) else "one server twice"
    return Words(
        f"two agents send as {node.name}, and show {what}",
        [fact("agent", each.boot, node.name, f"reads {_server(each)}") for each in read],
    )


def _server(read: Node) -> str:
    began = f" since {read.started_at:%Y-%m-%d %H:%M:%S} UTC" if read.started_at is not None else ""
    return f"{read.host}:{read.port}, a {read.role} with system identifier {read.system_id or 'unknown'}{began}"


RULE = Rule(
    name="node_name_shared",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=5.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)
