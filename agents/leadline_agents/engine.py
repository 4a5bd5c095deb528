"""The contract between the agent's core and the database engines.

An engine turns one look at one server into observations of ``leadline.model`` that have no number yet; the sampler
numbers and sends them. ``engines.registry`` finds the engine of an instance.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from leadline.clock import Clock
from leadline.model.audit_look import AuditLook
from leadline.model.finding import EngineVitals
from leadline.model.host import Disk
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample
from leadline.settings.agent import InstanceSettings, QueryText

UNNUMBERED = 0
"""The ``seq`` of an observation that the sampler has not numbered yet."""


class CannotRead(Exception):
    """The server could not be read. ``str()`` is one line without secrets: the reason, and what to do."""

    def __init__(self, reason: str, code: str | None = None, *, lasting: bool = False, stopped: bool = False) -> None:
        """``code``: the server's own, when it answered with one. ``lasting``: until somebody changes something.

        ``stopped``: the server has announced that it shuts down.
        """
        super().__init__(reason)
        self.code = code
        self.lasting = lasting
        self.stopped = stopped


class Address(NamedTuple):
    """The address of a server in its settings, available before the server answers."""

    host: str
    """A name, an IP address, or the directory of a Unix socket."""
    port: int


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The limits within which an engine reads."""

    statement_timeout_s: float
    """The server ends a statement after this time."""
    patience_s: float
    """The engine gives up waiting for one answer after this time."""
    connect_timeout_s: float
    query_text: QueryText
    vitals: bool
    """Whether the engine may read numbers alone where they show all that a look would."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one look."""

    sample: Sample
    """With everything that the server reported. ``seq``, ``interval_s`` and ``cost`` are left to the sampler."""
    round_trip_s: float
    """From the question to its answer."""
    settings_changed: bool
    """The server may have other settings than those that ``settings`` last returned, or they were never read."""


class EngineInstance(Protocol):
    """Reads one server. One caller, which waits for each call to end before the next.

    Harm: an engine changes nothing on the server, holds one connection, keeps no transaction open between two
    calls, and lets the server end each statement after ``statement_timeout_s``.
    Time: an engine waits at most ``patience_s`` for one answer, and asks for few in one call. A statement or connection
    attempt that takes longer ends in the background; until then each call raises ``CannotRead`` within ``patience_s``.
    Errors: ``CannotRead``, with the reason. Any other exception is a defect of the engine.
    Secrets: neither an observation nor an error holds a password, nor more of a query than ``query_text`` allows.
    """

    @property
    def address(self) -> Address:
        """The address of the server in its settings."""
        ...

    @property
    def vitals(self) -> type[EngineVitals] | None:
        """The vitals that its samples can be sent as; None where they are always sent whole."""
        ...

    async def look(self, node: Node) -> Reading:
        """Read the state of the server once; connect first when there is no connection.

        The sample's node is ``node`` with what the server reports about itself. Groups that the server does not have,
        or that were not read this time, are absent. Groups that the agent's role may not read are absent and named in
        ``not_permitted``. ``at`` is the server's clock, ``sent_at`` the agent's when the answer came.
        """
        ...

    async def settings(self, node: Node) -> NodeSettings:
        """Read the settings of the server as of the last look. A failure does not affect later looks."""
        ...

    async def audit(self) -> AuditLook | None:
        """Read what an audit needs beside the last look; None where the engine has no audit.

        What the role may not read, or the server does not give, is absent, with the reason. A failure does not affect
        later looks.
        """
        ...

    def disk(self) -> Disk | None:
        """Room on the volume of the server's files, without asking the server.

        None when the server is not on this host, or its directory is not known yet. It raises nothing.
        """
        ...

    async def close(self) -> None:
        """Close the connection, within ``patience_s``."""
        ...


class OpenInstance(Protocol):
    """Makes an engine for one instance. It does not connect.

    Raises UsageError when the instance's settings cannot work with this engine.
    """

    def __call__(self, instance: InstanceSettings, options: EngineOptions, clock: Clock) -> EngineInstance:
        """An engine that connects at its first look."""
        ...
