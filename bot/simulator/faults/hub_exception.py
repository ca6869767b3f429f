"""A bad release on one app server: a hub method throws and the connection that called it is closed."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.clock import SECOND
from bot.simulator.population import CHAT
from bot.simulator.world import World

_LASTS = 180 * SECOND
_SHARE = 0.4
_ERRORS = (
    "System.InvalidOperationException: The conversation is already closed.",
    "System.NullReferenceException: Object reference not set to an instance of an object.",
    "System.TimeoutException: The operation has timed out.",
)


def begin(world: World, code: str, _room: int) -> None:
    """Some clients of the chat hub on one server meet the fault, each at its own moment."""
    dice = world.dice(code)
    lines = [line for line in world.service.lines if line.hub == CHAT]
    server = max(lines, key=lambda line: len(line.clients)).server
    connections = [connection for line in lines if line.server is server for connection in line.clients]
    chosen = [connection for connection in connections if dice.unit() < _SHARE] or connections[:1]
    for connection in chosen:
        error = dice.pick(_ERRORS)
        world.clock.after(
            dice.below(_LASTS),
            world.drop,
            connection,
            events.aborted(events.CLOSED_BY_APP, error),
            code,
            f"its hub method failed on the app server at {server.address}: {error}",
        )
