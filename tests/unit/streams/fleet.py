"""A made-up fleet: a primary, standbys, a chain and a subscriber, of which several can be broken at a time."""

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from leadline.model.activity import Activity
from leadline_streams.judge.policy import Policy
from tests.unit.streams.world import Server, World

GONE = {"pid": None, "received_lsn": None, "latest_end_lsn": None, "workers": 0}
"""A subscription without a worker."""
REFUSED = "refused: connection refused"
SETTINGS = {"max_connections": "100", "wal_keep_size": "0", "wal_segment_size": "16777216"}


class Fleet(World):
    """``pg-1`` is the primary, ``pg-2`` and ``pg-4`` follow it, ``pg-3`` follows ``pg-2``, ``pg-5`` subscribes."""

    def __init__(self, policy: Policy, standbys: int = 0, *, deep: bool = False) -> None:
        """``standbys``: further ones of the primary, from ``pg-10`` on. ``deep``: ``pg-6`` follows ``pg-3``."""
        super().__init__(policy=policy)
        for name in ("pg-1", "pg-2", "pg-3", "pg-4", "pg-5"):
            role = "primary" if name in ("pg-1", "pg-5") else "standby"
            self.add(name, role, **({"system_id": "7005"} if name == "pg-5" else {})).settings.update(SETTINGS)
        for index in range(standbys):
            self.add(f"pg-{10 + index}", "standby").settings.update(SETTINGS)
        self._upstreams = {name: "pg-1" for name in self.servers if name not in ("pg-1", "pg-3", "pg-5")}
        self._upstreams["pg-3"] = "pg-2"
        if deep:
            self.add("pg-6", "standby").settings.update(SETTINGS)
            self._upstreams["pg-6"] = "pg-3"
        self._applied: dict[str, int] = {}
        self._errors = 0

    def settings(self, server: str, **settings: str) -> None:
        """Somebody changes settings, and the agents report them."""
        if not self.time:
            self.send_settings()
        self.servers[server].settings.update(settings)
        self.send_settings()

    def run(
        self,
        seconds: int,
        *,
        paused: Collection[str] = (),
        apart: Collection[str] = (),
        down: Collection[str] = (),
        failing: bool = False,
        waiting: bool = False,
    ) -> None:
        """Let time pass. ``paused``, ``apart``, ``down``: standbys whose replay is paused, downstreams that are not
        connected, and servers that are not there. ``failing``: the subscriber meets a duplicate key. ``waiting``: a
        commit waits for standbys.
        """
        primary = self.servers["pg-1"]
        for _ in range(seconds):
            for name, upstream in sorted(self._upstreams.items(), key=lambda pair: pair[1]):
                lost = name in apart or name in down or upstream in down
                self._follow(self.servers[upstream], self.servers[name], paused=name in paused, lost=lost)
            self._replicate(failing=failing, lost=bool({"pg-1", "pg-5"} & {*down, *apart}))
            waits = {"sync_waiters": 3, "sync_wait_s": 15.0} if waiting else {}
            primary.set(activity=Activity(**waits))
            for name, server in self.servers.items():
                server.set(up=name not in down, error=REFUSED if name in down else None)
            self.step()
            if self.time == 5.0:
                self.send_settings()

    def _follow(self, up: Server, down: Server, *, paused: bool, lost: bool) -> None:
        """A standby that applies what its upstream has applied, unless it is paused or not connected."""
        name = down.node.name
        source = self._applied.get(up.node.name, self.lsn)
        stuck = self._applied.get(name, source)
        self._applied[name] = applied = stuck if paused or lost else source
        down.fields.pop("positions", None)
        self.stream(up, down, received=stuck if lost else source, replayed=applied)
        down.set(positions=replace(down.fields["positions"], replay_paused=paused))
        if lost:
            slot = f"s{name.rpartition('-')[2]}"
            up.set(
                downstreams=tuple(row for row in up.fields["downstreams"] if row.slot != slot),
                slots=tuple(replace(one, active=one.active and one.name != slot) for one in up.fields["slots"]),
            )
            down.set(upstream=replace(down.fields["upstream"], status=None, message_age_s=None))

    def _replicate(self, *, failing: bool, lost: bool) -> None:
        """The subscription, which fails again and again while a row is in its way."""
        up, down = self.servers["pg-1"], self.servers["pg-5"]
        self._errors += 2 * failing
        counted = {"insert_exists": self._errors}
        broken: dict[str, Any] = GONE if failing or lost else {}
        kept = {one.name: one for one in up.fields.get("slots", ()) if one.name == "sub"}
        self.subscribe(up, down, apply_errors=self._errors, conflicts=counted, **broken)
        if failing or lost:
            up.set(
                downstreams=tuple(row for row in up.fields["downstreams"] if row.name != "sub"),
                slots=tuple(
                    replace(kept.get("sub", one), active=False) if one.name == "sub" else one
                    for one in up.fields["slots"]
                ),
            )
