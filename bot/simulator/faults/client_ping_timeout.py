"""One office loses its network: the service stops hearing the pings of everyone behind its address.

Parameters: `seconds` the network is down at least, `more_seconds` at most beyond that. When it happens again, it
happens to the same office.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.population import Network
from bot.simulator.world import World

# Clients ping every 15 s and are given up 30 s after the last ping that was heard.
_PING_INTERVAL = 15 * SECOND
_TIMEOUT = 30 * SECOND


def begin(world: World, act: Act) -> None:
    dice = world.dice(act.stream)
    network = _network(world, act)
    act.tell("address", network.address)
    act.tell("region", network.region)
    network.down_until = world.clock.now + (act.number("seconds", 60)) * SECOND
    network.down_until += dice.below(act.number("more_seconds", 60) * SECOND)
    note = f"one of {len(network.connections)} connections behind {network.address} when its network failed"
    for connection in network.connections:
        given_up = _TIMEOUT - dice.below(_PING_INTERVAL)
        world.clock.after(given_up, world.drop, connection, events.aborted(events.PING_TIMEOUT), act, note)


def _network(world: World, act: Act) -> Network:
    networks = world.population.networks()
    again = act.facts.get("address")
    if again:
        return next(network for network in networks if network.address == again)
    return max(networks, key=lambda network: len(network.connections))
