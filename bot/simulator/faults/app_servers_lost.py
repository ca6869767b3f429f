"""App servers that vanish, starve, or lose their network.

Server connections ping every 5 s and are given up after 30 s of silence. Source: "Azure SignalR Service SDK",
ServiceConnectionBase.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.service import AppServer
from bot.simulator.world import World

_PING_INTERVAL = 5 * SECOND
_TIMEOUT = 30 * SECOND
_CRASH = 1 * SECOND


def crash(world: World, act: Act) -> None:
    """One process dies: all its connections end at once without a goodbye, and its clients with them.

    Parameters: `says`, the reason in the server records; `back_after`, the seconds until a new process runs at the
    same address (0: never).
    """
    dice = world.dice(act.stream)
    server = world.busiest_server()
    act.tell("address", server.address)
    act.tell("region", server.region)
    event = events.aborted(act.text("says", events.PING_TIMEOUT))
    back_after = act.number("back_after", 45) * SECOND
    lines = world.app_servers.lines(server)
    world.app_servers.stop(server)
    for line in lines:
        world.service.stop_routing(line)
        world.clock.after(dice.below(_CRASH), world.lose_line, line, event, act, dice)
    if back_after:
        world.clock.after(back_after, world.app_servers.add, server.region, server.address, server.hubs)


def starve(world: World, act: Act) -> None:
    """One process runs out of threads: now one, now another of its connections misses its pings.

    Parameters: `seconds` it lasts, `apart` the seconds between two losses on average.
    """
    dice = world.dice(act.stream)
    server = world.busiest_server()
    act.tell("address", server.address)
    act.tell("region", server.region)
    until = world.clock.now + act.number("seconds", 900) * SECOND
    _miss(world, act, dice, server, until, act.number("apart", 60) * SECOND)


def _miss(world: World, act: Act, dice: Dice, server: AppServer, until: int, apart: int) -> None:
    now = world.clock.now
    if now >= until or not server.up:
        return
    # A connection that has just opened has not missed pings for 30 s yet.
    lines = [line for line in world.app_servers.lines(server) if line.opened_at <= now - _TIMEOUT]
    if lines:
        world.lose_line(dice.pick(lines), events.aborted(events.PING_TIMEOUT), act, dice)
    world.clock.after(apart // 2 + dice.below(apart), _miss, world, act, dice, server, until, apart)


def lose_network(world: World, act: Act) -> None:
    """No app server reaches the service: all their connections miss their pings at the same time.

    Parameters: `seconds` that the network is away after the first loss.
    """
    dice = world.dice(act.stream)
    event: Event = events.aborted(events.PING_TIMEOUT)
    back = world.clock.now + act.number("seconds", 40) * SECOND
    for server in world.app_servers.servers:
        server.cut_until = back
    for line in list(world.service.lines):
        if line.server.up:
            world.clock.after(dice.below(_PING_INTERVAL), world.lose_line, line, event, act, dice)
