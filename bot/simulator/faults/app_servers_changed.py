"""App servers that somebody replaces, adds, takes away, or connects by mistake."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.faults.hub_exception import ERRORS
from bot.simulator.instances import REGIONS
from bot.simulator.service import AppServer, ClientConnection
from bot.simulator.world import World

_GOODBYE = 2 * SECOND
_FOREIGN = "203.0.113.200"


def deploy(world: World, act: Act) -> None:
    """Every app server is replaced by a new process.

    Parameters: `graceful`, clients are handed to other servers first (GracefulShutdown, MigrateClients); `apart`, the
    seconds between two servers (0: all at once); `down`, the seconds from the end of a process to the next at its
    place; `new_addresses`, the new ones have addresses of their own and start before the old ones end; `clients_say`
    and `servers_say`, the reasons in their records ("": a goodbye).
    """
    dice = world.dice(act.stream)
    apart, down = act.number("apart", 90) * SECOND, act.number("down", 15) * SECOND
    new_addresses, graceful = act.flag("new_addresses", False), act.flag("graceful", False)
    clients_say = _event(act.text("clients_say", events.SERVER_DROPPED))
    servers_say = _event(act.text("servers_say", ""))
    for turn, server in enumerate(list(world.app_servers.servers)):
        begins = turn * apart
        if new_addresses:
            world.clock.after(begins, world.app_servers.add, server.region)
            begins += down
        world.clock.after(begins, _leave, world, act, dice, server, servers_say, None if graceful else clients_say)
        if not new_addresses:
            world.clock.after(begins + down, world.app_servers.add, server.region, server.address, server.hubs)


def scale_in(world: World, act: Act) -> None:
    """One app server is taken away for good. Parameters: `graceful`, `clients_say` and `servers_say` as of a deploy."""
    server = world.busiest_server()
    act.tell("address", server.address)
    act.tell("region", server.region)
    clients_say = _event(act.text("clients_say", events.SERVER_DROPPED))
    graceful, servers_say = act.flag("graceful", False), _event(act.text("servers_say", ""))
    _leave(world, act, world.dice(act.stream), server, servers_say, None if graceful else clients_say)


def scale_out(world: World, act: Act) -> None:
    """More app servers join at new addresses. Parameters: `more`, how many."""
    for _ in range(act.number("more", 1)):
        act.tell("address", world.app_servers.add(REGIONS[0]).address)


def join_foreign(world: World, act: Act) -> None:
    """A process that is none of the application's joins one hub and takes a share of its clients.

    Parameters: `hub`; `permille` of the clients it gets whose hub method fails there; `seconds` it stays.
    """
    dice = world.dice(act.stream)
    hub = act.text("hub", world.plan.servers.hubs[0])
    permille, lasts = act.number("permille", 500), act.number("seconds", 2400) * SECOND
    server = world.app_servers.add(REGIONS[0], _FOREIGN, (hub,))
    act.tell("address", server.address)
    act.tell("hub", hub)

    def fail(connection: ClientConnection) -> None:
        if connection.line.server is server and dice.unit() * 1000 < permille:
            error = events.aborted(events.CLOSED_BY_APP, dice.pick(ERRORS))
            world.clock.after(SECOND + dice.below(20 * SECOND), world.drop, connection, error, act)

    world.service.on_started.append(fail)
    world.service.on_line_opened.append(lambda line: act.seen() if line.server is server else None)
    dropped = events.aborted(events.SERVER_DROPPED)
    world.clock.after(lasts, _leave, world, act, dice, server, events.ended(), dropped)


def unbalance(world: World, act: Act) -> None:
    """A new process gets many times the clients of the others. Parameters: `weight`, how many times."""
    server = world.app_servers.add(REGIONS[0], weight=act.number("weight", 8))
    act.tell("address", server.address)
    world.service.on_line_opened.append(lambda line: act.seen() if line.server is server else None)


def _event(says: str) -> Event:
    return events.aborted(says) if says else events.ended()


def _leave(
    world: World, act: Act, dice: Dice, server: AppServer, servers_say: Event, clients_say: Event | None
) -> None:
    """End a process; without `clients_say` its clients move to other servers where there are any."""
    if not server.up:
        return
    lines = world.app_servers.lines(server)
    world.app_servers.stop(server)
    for line in lines:
        world.service.stop_routing(line)
    for line in lines:
        if clients_say is None:
            for connection in list(line.clients):
                world.service.move_client(connection)
        world.clock.after(dice.below(_GOODBYE), world.lose_line, line, servers_say, act, dice, clients_say)
