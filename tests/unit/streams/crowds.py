"""Clusters of any size: a primary with very many standbys, slots or subscriptions, healthy or not."""

from msgspec.structs import replace

from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline.model.tables import TableCopy
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.world import World, at

END = 1 << 24
LSN = format_lsn(END)
REFUSED = "refused: connection refused"


class Crowd(World):
    """A cluster whose servers all look within the first half of each second."""

    def step(self, seconds: float = 1.0) -> None:
        """Sample every server once."""
        self.time += seconds
        gap = 0.4 / len(self.servers)
        for index, server in enumerate(self.servers.values()):
            self.outputs += self.state.observe(server.sample(self.time + index * gap))
        self.outputs += self.state.tick(at(self.time + 0.5))


def star(size: int, *, paused: bool = False) -> Crowd:
    """A primary and its standbys."""
    world = Crowd()
    names = range(1, size)
    world.add("pg-0", "primary").set(
        positions=Positions(current_lsn=LSN),
        downstreams=tuple(_sender(number) for number in names),
        slots=tuple(_slot(number) for number in names),
    )
    for number in names:
        world.add(f"pg-{number}", "standby").set(
            positions=Positions(received_lsn=LSN, replayed_lsn=format_lsn(END - (paused << 20)), replay_paused=paused),
            upstream=Upstream(
                host="pg-0.db",
                port=5432,
                slot=f"s{number}",
                application_name=f"pg-{number}",
                status="streaming",
                latest_end_lsn=LSN,
                message_age_s=0.5,
            ),
        )
    return world


def lose_all(world: Crowd) -> None:
    """Every standby loses its primary, which goes on."""
    primary, *standbys = world.servers.values()
    slots = tuple(replace(slot, active=False) for slot in primary.fields["slots"])
    primary.set(downstreams=(), slots=slots, positions=Positions(current_lsn=format_lsn(END << 1)))
    for server in standbys:
        server.set(upstream=replace(server.fields["upstream"], status=None, message_age_s=None))


def stop_all(world: Crowd) -> None:
    """No server answers any more."""
    for server in world.servers.values():
        server.set(up=False, error=REFUSED)


def strangers(size: int) -> Crowd:
    """Primaries of systems of their own, under one cluster name."""
    world = Crowd()
    for number in range(size):
        server = world.add(f"pg-{number}", "primary", system_id=str(7000 + number))
        server.set(positions=Positions(current_lsn=LSN))
    return world


def rivals(size: int) -> Crowd:
    """Primaries of one system."""
    world = Crowd()
    for number in range(size):
        world.add(f"pg-{number}", "primary").set(positions=Positions(current_lsn=LSN))
    return world


def unwatched(size: int) -> Crowd:
    """A primary whose standbys have no agents."""
    world = Crowd()
    world.add("pg-0", "primary").set(
        positions=Positions(current_lsn=LSN),
        downstreams=tuple(_sender(number) for number in range(size)),
        slots=tuple(_slot(number) for number in range(size)),
    )
    return world


def chain(size: int) -> Crowd:
    """A primary, and standbys of which each follows the one before it."""
    world = star(size)
    for number, server in enumerate(world.servers.values()):
        below = (number + 1,) if number + 1 < size else ()
        server.set(downstreams=tuple(map(_sender, below)), slots=tuple(map(_slot, below)))
        if number:
            server.set(upstream=replace(server.fields["upstream"], host=f"pg-{number - 1}.db"))
    return world


def alike(size: int) -> Crowd:
    """Servers of which each has the same slots and subscriptions, that connect to no watched address."""
    world = Crowd()
    names = [f"sub{number}" for number in range(3)]
    slot = Slot(name="", kind="logical", plugin="pgoutput", active=False, confirmed_lsn=LSN, restart_lsn=LSN)
    for number in range(size):
        world.add(f"pg-{number}", "primary", system_id=str(7000 + number)).set(
            positions=Positions(current_lsn=LSN),
            slots=tuple(replace(slot, name=name) for name in names),
            subscriptions=tuple(
                Subscription(name=name, slot=name, publications=("everything",), enabled=True) for name in names
            ),
            publications=("everything",),
        )
    return world


def orphans(size: int) -> Crowd:
    """The same, and no server has the slots."""
    world = alike(size)
    for server in world.servers.values():
        server.set(slots=())
    return world


def nameless(size: int) -> Crowd:
    """A primary whose senders have no agents and no pids, and whose slots are lost."""
    world = lost_slots(size)
    world.servers["pg-0"].set(downstreams=tuple(replace(_sender(number), pid=0, slot=None) for number in range(size)))
    return world


def without_slots(size: int) -> Crowd:
    """Standbys whose slots are gone from a primary that has as many others."""
    world = star(size)
    lose_all(world)
    world.servers["pg-0"].set(slots=tuple(replace(_slot(number), name=f"other{number}") for number in range(size)))
    return world


def forsaken(size: int) -> Crowd:
    """A subscriber with very many subscriptions, whose publisher has as many slots of other names."""
    world = subscriptions(size)
    up, down = world.servers.values()
    up.set(slots=tuple(replace(slot, name=f"other-{slot.name}") for slot in up.fields["slots"]))
    down.set(subscriptions=tuple(replace(each, enabled=True) for each in down.fields["subscriptions"]))
    return world


def copying(size: int) -> Crowd:
    """A subscriber that copies very many tables, whose publisher has as many senders of others."""
    world = subscriptions(3)
    up, down = world.servers.values()
    up.set(downstreams=tuple(replace(_sender(number), kind="logical") for number in range(size)))
    down.set(
        subscriptions=tuple(replace(each, enabled=True, oid=7) for each in down.fields["subscriptions"]),
        copies=tuple(
            TableCopy(
                subscription="sub0",
                subscription_oid=7,
                oid=number,
                table=f"t{number}",
                pid=number,
                state="d",
                transaction_s=9000.0,
            )
            for number in range(size)
        ),
    )
    return world


def created_on_standbys(size: int) -> Crowd:
    """A standby on which very many sessions create slots."""
    world = star(2)
    slot = Slot(name="", kind="logical", plugin="pgoutput", active=True, restart_lsn=LSN)
    world.servers["pg-1"].set(
        slots=tuple(replace(slot, name=f"l{number}", active_pid=90_000 + number) for number in range(size)),
        downstreams=tuple(replace(_sender(number), kind="logical") for number in range(size)),
    )
    return world


def copy_slots(size: int) -> Crowd:
    """A publisher with very many slots of copies whose subscriber is not watched, and as many senders."""
    world = unwatched(size)
    slot = Slot(name="", kind="logical", plugin="pgoutput", active=False, confirmed_lsn=LSN, restart_lsn=LSN)
    world.servers["pg-0"].set(
        slots=tuple(
            replace(
                slot, name=f"pg_{16000 + number}_sync_{number}_7123456789", inactive_s=9000.0, retained_bytes=1 << 40
            )
            for number in range(size)
        )
    )
    return world


def lost_slots(size: int) -> Crowd:
    """A primary whose slots are all invalidated."""
    world = Crowd()
    lost = {"active": False, "wal_status": "lost", "restart_lsn": None}
    slots = tuple(replace(_slot(number), **lost) for number in range(size))
    world.add("pg-0", "primary").set(positions=Positions(current_lsn=LSN), slots=slots)
    return world


def subscriptions(size: int) -> Crowd:
    """A publisher and one subscriber with very many subscriptions, all of them disabled."""
    world = Crowd()
    up, down = world.add("pg-0", "primary"), world.add("pg-1", "primary", system_id="7002")
    slot = Slot(name="", kind="logical", plugin="pgoutput", active=False, confirmed_lsn=LSN, restart_lsn=LSN)
    names = [f"sub{number}" for number in range(size)]
    up.set(positions=Positions(current_lsn=LSN), slots=tuple(replace(slot, name=name) for name in names))
    subscribed = tuple(Subscription(name=name, slot=name, enabled=False) for name in names)
    down.set(positions=Positions(current_lsn=LSN), subscriptions=subscribed)
    return world


def _sender(number: int) -> Downstream:
    return Downstream(
        name=f"pg-{number}",
        slot=f"s{number}",
        state="streaming",
        pid=1000 + number,
        sent_lsn=LSN,
        write_lsn=LSN,
        flush_lsn=LSN,
        replay_lsn=LSN,
        reply_age_s=0.5,
    )


def _slot(number: int) -> Slot:
    return Slot(name=f"s{number}", active=True, wal_status="reserved", restart_lsn=LSN, retained_bytes=0)
