"""What it means that an agent could not read its server, told from the first words of its reason."""

from typing import Literal

Reach = Literal["gone", "hangs", "locked_out"]

_LOCKED_OUT = (
    "agent error",
    "authentication failed",
    "missing right",
    "no such database",
    "query failed",
    "TLS",
    "too many connections",
    "unsupported version",
)
"""The server answered, and did not let the agent in: a trouble of the agent's, not of the server's."""
_HANGS = ("timeout", "network")
"""Nothing came back: the server, its host or the network to it."""


def reach(error: str | None) -> Reach:
    """Whether a server is gone, does not answer, or does not let its agent in."""
    said = error or ""
    if said.startswith(_LOCKED_OUT):
        return "locked_out"
    return "hangs" if said.startswith(_HANGS) else "gone"
