"""Clients that are closed for one reason, wherever they are."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.population import Network
from bot.simulator.service import ClientConnection
from bot.simulator.setting import Mode
from bot.simulator.world import World

_HANDSHAKE_TIMEOUT = 15 * SECOND


def end_clients(world: World, act: Act) -> None:
    """A share of the clients is closed, each at its own moment.

    Parameters: `says`, the reason, and `error`, what the app server reports with it; `permille` of the clients, over
    `seconds`; `among`: "all", "office" (the largest), "instance" (one machine of the service), "hub" (the `hub`).
    """
    dice = world.dice(act.stream)
    event = events.aborted(act.text("says", events.PING_TIMEOUT), act.text("error", ""))
    permille, lasts = act.number("permille", 300), max(act.number("seconds", 60) * SECOND, 1)
    for connection in _among(world, act):
        if dice.unit() * 1000 < permille:
            world.clock.after(dice.below(lasts), world.drop, connection, event, act)


def _among(world: World, act: Act) -> list[ClientConnection]:
    everybody = list(world.connections())
    hub = act.text("hub", "")
    match act.text("among", "all"):
        case "office":
            network = _largest(world)
            act.tell("address", network.address)
            return list(network.connections)
        case "instance":
            instance = max((each.line for each in everybody), key=lambda line: len(line.clients)).instance
            act.tell("region", instance.region)
            return [each for each in everybody if each.line.instance is instance]
        case "hub":
            act.tell("hub", hub)
            return [each for each in everybody if each.client.hub == hub]
        case _:
            return everybody


def break_handshakes(world: World, act: Act) -> None:
    """A proxy passes the request but not what follows: connections from behind it start and fail within 15 s.

    Parameters: `says`, the reason; `permille` of the new connections behind the largest office; `seconds` it lasts.
    """
    dice = world.dice(act.stream)
    event = events.aborted(act.text("says", "Handshake error"))
    permille, until = act.number("permille", 900), world.clock.now + act.number("seconds", 1800) * SECOND
    network = _largest(world)
    act.tell("address", network.address)

    def fail(connection: ClientConnection) -> None:
        behind = connection.client.user.network is network and world.clock.now < until
        if behind and dice.unit() * 1000 < permille:
            world.clock.after(SECOND + dice.below(_HANDSHAKE_TIMEOUT - SECOND), world.drop, connection, event, act)

    world.service.on_started.append(fail)


def switch_mode(world: World, act: Act) -> None:
    """Somebody sets the resource to Serverless: every connection ends, and only clients come back.

    Parameters: `says`, the reason in the records: its text is not public, only its category.
    """
    dice = world.dice(act.stream)
    event = events.aborted(act.text("says", "Service mode switched"))
    world.service.mode = Mode.SERVERLESS
    for line in list(world.service.lines):
        world.clock.after(dice.below(5 * SECOND), world.lose_line, line, event, act, dice, event)


def watch_tokens(world: World, act: Act) -> None:
    """Nothing happens by itself: keeps what the age of tokens ends (`[clients] token_minutes`)."""

    def expired(connection: ClientConnection) -> None:
        act.hit(connection.id)
        act.show(connection)

    world.clients.on_expired.append(expired)


def watch_refusals(world: World, act: Act) -> None:
    """Nothing happens by itself: keeps who the quota refuses."""
    world.service.on_refused.append(act.refuse)


def _largest(world: World) -> Network:
    return max(world.population.networks(), key=lambda network: len(network.connections))
