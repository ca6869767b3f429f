"""A client whose token names the wrong hub: refused now and then, whatever else goes on."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.events import SERVICE_URL
from bot.simulator.population import DASHBOARDS, Client
from bot.simulator.world import World

_ATTEMPTS = 2


def schedule(world: World) -> None:
    """Try a few times over the span, each time with the hub's name in the wrong case."""
    dice = world.dice("wrong audience")
    client = Client(dice.pick(world.population.users), DASHBOARDS)
    event = events.wrong_audience(
        f"{SERVICE_URL}/client/?hub={DASHBOARDS}", f"{SERVICE_URL}/client/?hub={DASHBOARDS.title()}"
    )
    for _ in range(_ATTEMPTS):
        world.clock.after(dice.below(world.plan.span), world.service.turn_away, client, event)
