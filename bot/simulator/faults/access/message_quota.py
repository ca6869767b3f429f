"""The Free tier's messages of the day are used up: everybody is cut off until 00:00 UTC.

Source: a public report of `Message count reaches limit`, in which servers were refused until the next day too.
"""

from __future__ import annotations

from datetime import timedelta

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.population import Client
from bot.simulator.world import World

_ALL_GONE = 4 * SECOND


def begin(world: World, act: Act) -> None:
    """Close everything within seconds, and let nobody in until midnight; app servers keep trying, without a row.

    Of a thousand clients who come later, `turned_away` still hold a token, reach the service and leave a row; the
    others cannot negotiate without an app server.
    """
    dice = world.dice(act.stream)
    now = world.moment(world.clock.now)
    midnight = now.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    left = int((midnight - now).total_seconds()) * SECOND
    share = act.number("turned_away", 300)
    closed = events.aborted(events.MESSAGE_LIMIT)

    def turn_away(_: Client) -> tuple[Event, ...]:
        if dice.below(1000) >= share:
            return ()
        act.seen()
        return (events.throttled(events.MESSAGE_LIMIT),)

    def open_again() -> None:
        world.service.gate = None

    world.service.gate = turn_away
    for server in world.app_servers.servers:
        server.cut_until = world.clock.now + left
    for connection in world.connections():
        world.clock.after(dice.below(_ALL_GONE), world.drop, connection, closed, act, "the day's messages were used up")
    for line in list(world.service.lines):
        world.clock.after(_ALL_GONE + dice.below(SECOND), world.drop_line, line, closed, act)
    world.clock.after(left, open_again)
