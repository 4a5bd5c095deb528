"""What it means that an agent could not read its server, told from the first words of its reason."""

from leadline_streams.judge.state import Reach

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


def reach(error: str) -> Reach:
    """Whether a server is gone, does not answer, or does not let its agent in."""
    if error.startswith(_LOCKED_OUT):
        return "locked_out"
    return "hangs" if error.startswith(_HANGS) else "gone"
