"""Connections that are opened and never closed."""

from __future__ import annotations

from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import MINUTE
from bot.simulator.instances import REGIONS
from bot.simulator.population import NOTIFICATIONS, Client, Network, User, user
from bot.simulator.service import ClientConnection
from bot.simulator.world import World

_WORKER = "203.0.113.77"
_SENDER = "203.0.113.88"


def leak_clients(world: World, act: Act) -> None:
    """Somebody opens connection after connection and keeps each, evenly over the rest of the archive.

    Parameters: `permille` of the usual number of clients that they come to; `who`: "user" (one named user's page that
    reconnects without closing), "worker" (a job that makes a connection for each call, without a user id), "bots" (a
    job that makes a user id for each call); `hub`.
    """
    who, hub = act.text("who", "user"), act.text("hub", NOTIFICATIONS)
    count = world.plan.already_there * act.number("permille", 500) // 1000
    dice = world.dice(act.stream)
    network = Network(_WORKER, REGIONS[0])
    act.tell("hub", hub)
    act.tell("address", network.address)
    if who == "user":
        network = dice.pick([each.network for each in world.population.users])
        act.tell("address", network.address)
        act.tell("user", "desk-4711@example.com")

    def open_one(number: int) -> None:
        opened = world.service.start_client(Client(_leaker(who, number, network), hub))
        if isinstance(opened, ClientConnection):
            act.hit(opened.id)
            act.tell("client", opened.id)

    step = max(act.room // max(count, 1), 1)
    for number in range(count):
        world.clock.after(number * step + dice.below(step), open_one, number)


def _leaker(who: str, number: int, network: Network) -> User:
    name = {"user": "desk-4711@example.com", "bots": f"job-{number:06d}"}.get(who)
    return user(name, network, "WebSockets", returns=False)


def leak_servers(world: World, act: Act) -> None:
    """A function makes a hub context for each call: each keeps a server connection that only sends.

    Parameters: `count` of them, evenly over the rest of the archive; `hub`.
    """
    count, hub = act.number("count", 120), act.text("hub", NOTIFICATIONS)
    dice = world.dice(act.stream)
    server = world.app_servers.sender(REGIONS[0], _SENDER, hub)
    act.tell("hub", hub)
    act.tell("address", server.address)

    def open_one() -> None:
        line = world.service.start_server(server, hub, routed=False)
        if line:
            act.seen()
            act.tell("line", line.id)

    step = max(act.room // max(count, 1), 1)
    for number in range(count):
        world.clock.after(number * step + dice.below(step), open_one)


def more_demand(world: World, act: Act) -> None:
    """More people come, each with a page or two that they close.

    Parameters: `percent` of the usual arrivals that come on top once it has grown; `ramp`, the minutes it grows;
    `minutes`, how long they come (0: to the end); `newcomers`, they have not been here before.
    """
    percent, ramp = act.number("percent", 100), act.number("ramp", 30)
    lasts = act.number("minutes", 0) or act.room // MINUTE
    _bring(world, act, world.dice(act.stream), 0, percent, max(ramp, 1), lasts, act.flag("newcomers", True))


def _bring(
    world: World, act: Act, dice: Dice, minute: int, percent: int, ramp: int, lasts: int, newcomers: bool
) -> None:
    if minute >= lasts:
        return
    usual = world.plan.arrivals(world.clock.now // MINUTE)
    grown = usual * percent * min(minute + 1, ramp)
    count, rest = divmod(grown, 100 * ramp)
    for _ in range(count + (dice.below(100 * ramp) < rest)):
        client = world.population.newcomer() if newcomers else world.population.client()
        world.clock.after(dice.below(MINUTE), world.clients.visit, client)
    world.clock.after(MINUTE, _bring, world, act, dice, minute + 1, percent, ramp, lasts, newcomers)
