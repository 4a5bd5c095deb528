"""Parts and groups that are left out of the statements for one server: it refuses them, or a lock is in the way."""

from collections.abc import Iterable

from leadline_agents.engines.postgresql.catalog import FILES, FRAME, statement
from leadline_agents.engines.postgresql.parts import GROUPS, PARTS, lost, used_by
from leadline_agents.engines.postgresql.rights import Rights

NO_RIGHT = "42501"


class Refusals:
    """Parts and groups that are not asked for, and their names in a sample.

    What the catalogs show is known without asking. What a server refuses although they allow it is found out once, by
    an error, and kept until the server restarts or changes its role.
    """

    def __init__(self) -> None:
        self._rights: Rights | None = None
        self._found: dict[str, str] = {}
        """SQLSTATE by part or group."""
        self._held: frozenset[str] = frozenset()
        self.held_until = 0.0
        self.parts: frozenset[str] = frozenset()
        """Parts that are not called."""
        self.groups: frozenset[str] = frozenset()
        """Groups that are left out of a look."""
        self.of_look = False
        """Whether a look is without any of its parts or groups."""
        self.not_permitted: tuple[str, ...] = ()
        """Groups and fields that the role may not read."""
        self.not_supported: tuple[str, ...] = ()
        """Groups and fields that the server does not have, or refuses to everybody."""
        self.not_read: tuple[str, ...] = ()
        """Groups and fields that could not be read this time."""

    @property
    def inherits(self) -> bool:
        """Whether a role that is granted to the agent's gives it its rights; True until it is known."""
        return self._rights is None or self._rights.inherits

    def know(self, rights: Rights) -> None:
        """Take what the catalogs show."""
        if rights is not self._rights:
            self._rights = rights
            self._update()

    def find(self, name: str, code: str) -> None:
        """The server refuses a part or a group, with this SQLSTATE."""
        self._found[name] = code
        self._update()

    def forget(self) -> None:
        """The server is another: what it refused has to be found out again."""
        if self._found:
            self._found = {}
            self._update()

    def hold(self, parts: Iterable[str], until: float) -> None:
        """Leave out parts that wait for a lock; with none, ask for all again."""
        self._held, self.held_until = frozenset(parts), until
        self._update()

    @property
    def found(self) -> dict[str, str]:
        """The SQLSTATE with which the server refused a part or a group, by its name."""
        return dict(self._found)

    @property
    def is_holding(self) -> bool:
        """Whether parts are left out because of a lock."""
        return bool(self._held)

    def _update(self) -> None:
        rights = self._rights
        if rights is None:
            return
        look, files = (_used(query, rights.version_num) for query in (FRAME, FILES))
        asked = look | files | GROUPS
        denied = rights.not_permitted | {name for name, code in self._found.items() if code == NO_RIGHT}
        others = rights.not_supported.union(self._found) - denied
        every = denied | others | self._held
        self.parts = frozenset(every & PARTS.keys())
        self.groups = GROUPS & {*every, *lost(self.parts)}
        self.of_look = bool(self.groups or self.parts & look)
        self.not_permitted, self.not_supported, self.not_read = (
            _names(each & asked) for each in (denied, others, self._held)
        )


def _used(query: str, version_num: int) -> frozenset[str]:
    return frozenset(part.name for part in used_by(statement(query, version_num).decode()))


def _names(refused: frozenset[str]) -> tuple[str, ...]:
    names = {*(refused & GROUPS), *lost(refused)}
    return tuple(sorted(name for name in names if name.partition(".")[0] not in names - {name}))
