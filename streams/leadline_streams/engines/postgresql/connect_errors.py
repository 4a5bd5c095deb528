"""The state of a server that its agent could not read, from the first words of the agent's reason."""

from leadline_streams.judge.state import Reach

LOCKED_OUT = (
    "agent error",
    "authentication failed",
    "cancelled",
    "missing right",
    "no such database",
    "query failed",
    "TLS",
    "too many connections",
    "unsupported version",
)
"""The server answered and refused the agent: a problem of the agent, not of the server."""
HANGS = ("timeout", "network")
"""No answer came: the server, its host or the network to it."""


def reach(error: str) -> Reach:
    """Whether a server is gone, does not answer, or does not let its agent in."""
    if error.startswith(LOCKED_OUT):
        return "locked_out"
    return "hangs" if error.startswith(HANGS) else "gone"
