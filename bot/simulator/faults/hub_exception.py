"""A bad release on one app server: a hub method throws and the connection that called it is closed.

Parameters: `hub`; `permille` of its clients there, over `seconds`; `everywhere`, on all app servers.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.population import CHAT
from bot.simulator.world import World

ERRORS = (
    "System.InvalidOperationException: The conversation is already closed.",
    "System.NullReferenceException: Object reference not set to an instance of an object.",
    "System.TimeoutException: The operation has timed out.",
)


def begin(world: World, act: Act) -> None:
    """Some clients of the hub meet the fault, each at its own moment."""
    dice = world.dice(act.stream)
    hub, lasts = act.text("hub", CHAT), act.number("seconds", 180) * SECOND
    everywhere, permille = act.flag("everywhere", False), act.number("permille", 400)
    lines = [line for line in world.service.lines if line.hub == hub]
    server = max(lines, key=lambda line: len(line.clients)).server
    act.tell("hub", hub)
    if not everywhere:
        act.tell("address", server.address)
    connections = [each for line in lines if everywhere or line.server is server for each in line.clients]
    for connection in [each for each in connections if dice.unit() * 1000 < permille] or connections[:1]:
        error = dice.pick(ERRORS)
        world.clock.after(
            dice.below(lasts),
            world.drop,
            connection,
            events.aborted(events.CLOSED_BY_APP, error),
            act,
            f"its hub method failed on the app server at {connection.line.server.address}: {error}",
        )
