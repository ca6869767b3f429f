"""An app server stops answering on one server connection, and its clients go with it."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    line = max(world.service.lines, key=lambda each: len(each.clients))
    act.tell("address", line.server.address)
    act.tell("hub", line.hub)
    world.lose_line(line, events.aborted(events.PING_TIMEOUT), act, world.dice(act.stream))
