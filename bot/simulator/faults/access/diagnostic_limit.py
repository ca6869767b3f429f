"""More diagnostic clients than the service takes: those beyond the hundred are refused, nobody else is.

How the service words this, and whether at all, is not public. Source: "Monitor and troubleshoot Azure SignalR
Service logs" on Learn, diagnostic clients.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import MINUTE, SECOND
from bot.simulator.population import Client
from bot.simulator.service import ClientConnection
from bot.simulator.world import World

_LIMIT = 100


def begin(world: World, act: Act) -> None:
    """A load test of `clients` diagnostic clients starts over `ramp` minutes; who is refused tries `tries` times.

    `says` is the service's text; with an empty one a refusal leaves no row at all.
    """
    dice = world.dice(act.stream)
    says = act.text("says", "Diagnostic client count reaches limit")
    tries = act.number("tries", 4)
    taken = 0

    def connect(client: Client, left: int) -> None:
        nonlocal taken
        if taken < _LIMIT:
            client.until = world.clock.now + act.room
            if isinstance(world.service.start_client(client), ClientConnection):
                taken += 1
            return
        refusal = (events.throttled(says),) if says else ()
        connection_id = world.service.turn_away(client, *refusal)
        if refusal:
            act.hit(connection_id)
        if left > 1:
            world.clock.after(5 * SECOND + dice.below(5 * SECOND), connect, client, left - 1)

    for _ in range(act.number("clients", 130)):
        world.clock.after(dice.below(act.number("ramp", 5) * MINUTE), connect, world.population.newcomer(), tries)
