"""One office loses its network: the service stops hearing the pings of everyone behind its address."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.clock import SECOND
from bot.simulator.population import Network
from bot.simulator.world import World

# Clients ping every 15 s and are given up 30 s after the last ping that was heard.
_PING_INTERVAL = 15 * SECOND
_TIMEOUT = 30 * SECOND
_LEAST_OUTAGE = 60 * SECOND
_MORE_OUTAGE = 60 * SECOND


def begin(world: World, code: str, _room: int) -> None:
    dice = world.dice(code)
    network = _busiest(world)
    network.down_until = world.clock.now + _LEAST_OUTAGE + dice.below(_MORE_OUTAGE)
    note = f"one of {len(network.connections)} connections behind {network.address} when its network failed"
    for connection in network.connections:
        given_up = _TIMEOUT - dice.below(_PING_INTERVAL)
        world.clock.after(given_up, world.drop, connection, events.aborted(events.PING_TIMEOUT), code, note)


def _busiest(world: World) -> Network:
    networks = {user.network: None for user in world.population.users}
    return max(networks, key=lambda network: len(network.connections))
